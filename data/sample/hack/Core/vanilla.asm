; Routines of the base game that the hack calls. Found by tracing, see
; docs/technical/base-game.md. All are JSL targets in bank $00-$03.

Vanilla_ClearOam     = $008A12 ; hides all 128 entries, keeps registers
Vanilla_LoadTiles    = $00B3C0 ; A = tile set, unpacks to VRAM during blank
Vanilla_MoveKeeper   = $02A114 ; walks the keeper by KeeperVelX/Y with collision
Vanilla_DrawKeeper   = $02AE50 ; writes the keeper's OAM entries
Vanilla_HurtKeeper   = $02B07F ; A = half hearts, starts KeeperHurt
Vanilla_UnpackLayout = $03C9A0 ; Pointer0 -> RoomTiles and RoomSolid
