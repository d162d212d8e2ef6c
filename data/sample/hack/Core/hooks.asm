; ============================================================================
; Every place where the base game's code is changed, and nothing else.
; Each hook says which module it reaches and how many bytes it replaces.
; ============================================================================

; Reset, after the base game has cleared its RAM.
pushpc
org $00802E ; @hook module=Core name=Init_Hack bytes=4
    JSL Init_Hack
pullpc

; NMI, instead of the base game's own uploads.
pushpc
org $0080C9 ; @hook module=Core name=NMI_Extended bytes=5
    JSL NMI_Extended
    NOP
pullpc

; Main loop: read the pad our way, with the new-press mask.
pushpc
org $008136 ; @hook module=Core name=Joypad_Read bytes=4
    JSL Joypad_Read
pullpc

; Overworld frame, before the base game moves the keeper.
pushpc
org $028A40 ; @hook module=Overworld name=Overworld_Frame bytes=4
    JSL Overworld_Frame
pullpc

; Dungeon frame.
pushpc
org $028C12 ; @hook module=Dungeons name=Room_Frame bytes=4
    JSL Room_Frame
pullpc

; Sprite loop: the old 10-slot loop is skipped, ours runs all sixteen.
pushpc
org $06841E ; @hook module=Sprites name=Sprite_RunAll bytes=7
    JSL Sprite_RunAll
    BRA $01
    NOP
pullpc

; The Start button opens the satchel instead of the old inventory.
pushpc
org $0DDD2A ; @hook module=Menu name=Menu_Run bytes=6
    JSL Menu_Run
    RTL
    NOP
pullpc

; Text: the base game's printer jumps here with the message number in A.
pushpc
org $0EEC80 ; @hook module=Menu name=Message_Open bytes=5
    JSL Message_Open
    RTL
pullpc

; The Y button.
pushpc
org $07B0F2 ; @hook module=Items name=Item_Use bytes=4
    JSL Item_Use
pullpc

; The A button on an action tile.
pushpc
org $07C2E0 ; @hook module=Overworld name=Action_Use bytes=4
    JSL Action_Use
pullpc

; Main loop in message mode.
pushpc
org $00814A ; @hook module=Menu name=Message_Frame bytes=4
    JSL Message_Frame
pullpc

; File screen: load and erase.
pushpc
org $0CCF10 ; @hook module=Core name=Save_Load bytes=4
    JSL Save_Load
org $0CD0A2 ; @hook module=Core name=Save_Erase bytes=4
    JSL Save_Erase
pullpc

; Status bar: the clock replaces the old day counter.
pushpc
org $0DFB91 ; @hook module=Core name=Clock_DrawHud bytes=4
    JSL Clock_DrawHud
pullpc

; Room change: the new header replaces the old song and layout loads.
pushpc
org $01D4A8 ; @hook module=Dungeons name=Room_Load bytes=4
    JSL Room_Load
pullpc

; The ROM says how large it is now, 2 MB with 8 KB of battery RAM.
pushpc
org $00FFD7
    db $0B, $03
pullpc

; @watch TideLevel, LampOil, RoomWater: shown in the emulator's watch list.
