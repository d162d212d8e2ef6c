; Names for numbers that appear in more than one module.

; Game modes (GameMode)
!MODE_TITLE     = $00
!MODE_OVERWORLD = $01
!MODE_DUNGEON   = $02
!MODE_MENU      = $03
!MODE_MESSAGE   = $04
!MODE_GAMEOVER  = $05

; Keeper states (KeeperState)
!KEEPER_WALK    = $00
!KEEPER_LIFT    = $01
!KEEPER_SWIM    = $02
!KEEPER_ROW     = $03     ; aboard the rowboat
!KEEPER_HURT    = $04

; Facing, as used by KeeperDir and SprDir
!DIR_UP    = $00
!DIR_DOWN  = $02
!DIR_LEFT  = $04
!DIR_RIGHT = $06

; Sprite slots and states
!SPRITE_SLOTS  = 16
!SPR_FREE      = $00
!SPR_INIT      = $01
!SPR_ACTIVE    = $02
!SPR_DYING     = $03
!SPR_STUNNED   = $04

; Sprite types
!TYPE_GULL      = $01
!TYPE_LAMP_MOTH = $02
!TYPE_CRAB      = $03
!TYPE_WRAITH    = $04
!TYPE_FERRYMAN  = $05
!TYPE_BELL      = $06
!TYPE_OIL_DROP  = $07
!TYPE_COUNT     = $08

; Sprite flags (SprFlags)
!SPRFLAG_HARMLESS = $01   ; touching it does not hurt
!SPRFLAG_LIGHTSHY = $02   ; takes damage from the beam
!SPRFLAG_FLYING   = $04   ; ignores water and pits
!SPRFLAG_ANCHORED = $08   ; not despawned off screen

; Tide
!TIDE_LOW   = $00
!TIDE_MID   = $40
!TIDE_HIGH  = $80
!TIDE_STEP  = 48          ; frames per step of TideLevel

; Sound effects (SfxRequest)
!SFX_CURSOR   = $01
!SFX_CONFIRM  = $02
!SFX_ERROR    = $03
!SFX_GULL     = $10
!SFX_MOTH     = $11
!SFX_CLAW     = $12
!SFX_WRAITH   = $13
!SFX_FOGHORN  = $20
!SFX_GRAPNEL  = $21
!SFX_LAMP_ON  = $22
!SFX_LAMP_OFF = $23
!SFX_SPLASH   = $24
!SFX_SLUICE   = $28
!SFX_BELL     = $2A
!SFX_GLASS    = $30       ; $30 to $33, the storm glass

; Songs (MusicRequest)
!SONG_NONE     = $00
!SONG_HARBOR   = $01
!SONG_NIGHT    = $02
!SONG_CISTERN  = $03
!SONG_BELL     = $04
!SONG_STOP     = $F0
!SONG_FADE     = $F1

; Joypad bits, 16-bit order BYsS udlr AXLR 0000
!JOY_B      = $8000
!JOY_Y      = $4000
!JOY_SELECT = $2000
!JOY_START  = $1000
!JOY_UP     = $0800
!JOY_DOWN   = $0400
!JOY_LEFT   = $0200
!JOY_RIGHT  = $0100
!JOY_A      = $0080
!JOY_X      = $0040
!JOY_L      = $0020
!JOY_R      = $0010
