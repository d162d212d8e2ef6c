; ============================================================================
; Work RAM. Everything below $7E2000 is also visible at $0000-$1FFF of banks
; $00-$3F, so module code reads it with `.w` and never changes the data bank.
; ============================================================================

; ---- Direct page: owned by the engine
Scratch0     = $00     ; scratch, never survives a JSR
Scratch1     = $01     ; scratch
Scratch2     = $02     ; scratch
Scratch3     = $03     ; scratch
Scratch4     = $04     ; scratch
Scratch5     = $05     ; scratch
Pointer0     = $08     ; 24-bit scratch pointer
Pointer1     = $0B     ; 24-bit scratch pointer
GameMode     = $10     ; which module runs this frame, see !MODE_*
SubMode      = $11     ; step inside the module
FrameCounter = $12     ; counts every frame, wraps
NmiReady     = $13     ; 1 = the main loop is done, NMI may upload
JoyHeld      = $14     ; 16-bit: buttons down now
JoyNew       = $16     ; 16-bit: buttons pressed this frame
Brightness   = $18     ; copy of INIDISP
HdmaMask     = $19     ; copy of HDMAEN, written by NMI
KeeperX      = $20     ; 16-bit: position in the area, pixels
KeeperY      = $22     ; 16-bit
KeeperDir    = $24     ; facing, see !DIR_*
KeeperState  = $25     ; see !KEEPER_*
KeeperVelX   = $26     ; signed, 1/16 pixel per frame
KeeperVelY   = $27     ; signed, 1/16 pixel per frame
KeeperHurt   = $28     ; frames of invulnerability left
CameraX      = $30     ; 16-bit: left edge of the screen
CameraY      = $32     ; 16-bit: top edge of the screen

; ---- OAM shadow
OamBuffer    = $7E0200 ; 512 bytes, uploaded by NMI
OamHigh      = $7E0400 ; 32 bytes, sizes and ninth x bits
OamIndex     = $7E0420 ; next free OAM entry, times four

; ---- Sprite slots, 16 bytes an array
SprType      = $7E0500 ; see !TYPE_*
SprState     = $7E0510 ; see !SPR_*
SprXLo       = $7E0520 ; x, low byte
SprXHi       = $7E0530 ; x, high byte
SprYLo       = $7E0540 ; y, low byte
SprYHi       = $7E0550 ; y, high byte
SprVelX      = $7E0560 ; signed, 1/16 pixel per frame
SprVelY      = $7E0570 ; signed, 1/16 pixel per frame
SprSubX      = $7E0580 ; sub-pixel part of x
SprSubY      = $7E0590 ; sub-pixel part of y
SprTimerA    = $7E05A0 ; counts down to zero every frame
SprTimerB    = $7E05B0 ; counts down to zero every frame
SprHealth    = $7E05C0 ; hits left
SprFlags     = $7E05D0 ; see !SPRFLAG_*
SprFrame     = $7E05E0 ; animation frame
SprDir       = $7E05F0 ; facing, see !DIR_*
SprMiscA     = $7E0600 ; free for the creature
SprMiscB     = $7E0610 ; free for the creature

; ---- Tide, lamp and night
TideLevel    = $7E0F00 ; 0 = ebb, $80 = full flood
TidePhase    = $7E0F01 ; 0 rising, 1 slack high, 2 falling, 3 slack low
TideTimer    = $7E0F02 ; 16-bit: frames to the next step
LampOil      = $7E0F04 ; 16-bit: oil left, in drops
LampState    = $7E0F06 ; 0 dark, 1 lit, 2 flare
BeamAngle    = $7E0F07 ; 0-255, 0 points east, clockwise
BeamLength   = $7E0F08 ; half width of the beam at the screen edge
NightHour    = $7E0F09 ; BCD, 18 to 29 (29 = 5 in the morning)
NightMinute  = $7E0F0A ; BCD, 00 to 59
FogDensity   = $7E0F0B ; 0 clear to 15 blind
WindDir      = $7E0F0C ; direction the wind blows to, see !DIR_*
WindForce    = $7E0F0D ; 0 calm, 1 breeze, 2 gale
BoatState    = $7E0F0E ; 0 moored, 1 aboard, 2 adrift
MinuteTimer  = $7E0F0F ; frames to the next game minute

; ---- Menu and messages
MenuStep     = $7E0F10 ; index into Menu_Steps
MenuCursor   = $7E0F11 ; selected satchel cell, 0 to 11
MenuPage     = $7E0F12 ; 0 satchel, 1 chart, 2 log
MenuScroll   = $7E0F13 ; BG3 vertical scroll of the menu
MessageId    = $7E0F14 ; 16-bit: message to show
MessagePos   = $7E0F16 ; 16-bit: offset of the next character
MessageStep  = $7E0F18 ; 0 idle, 1 opening, 2 printing, 3 waiting, 4 closing
MessageRow   = $7E0F19 ; current text row, 0 to 2
MessageCol   = $7E0F1A ; current text column, 0 to 27
MessageDelay = $7E0F1B ; frames to the next character

; ---- Rooms
RoomId       = $7E0F20 ; 16-bit: current room
RoomWater    = $7E0F22 ; 16-bit: y of the water line in this room
RoomFlags    = $7E0F24 ; bit 0 flooded, bit 1 dark, bit 2 boss, bit 7 visited
DoorMask     = $7E0F25 ; one bit a door, 1 = open
SluiceState  = $7E0F26 ; 0 closed, 1 opening, 2 open, 3 closing
SluiceTimer  = $7E0F27 ; frames to the next gate step
AreaId       = $7E0F28 ; overworld area, 0 to 23
BellSwing    = $7E0F29 ; phase of the Drowned Bell, 0-255
BellHits     = $7E0F2A ; hits on the bell this fight

; ---- Sound
MusicRequest = $7E0F30 ; song to start, 0 = none
SfxRequest   = $7E0F31 ; effect to play, 0 = none
MusicCurrent = $7E0F32 ; song that is playing
MusicVolume  = $7E0F33 ; 0 to 127

; ---- Other
RngState     = $7E0F34 ; 16-bit: never zero
ItemSelected = $7E0F36 ; item on the Y button, see ItemHandlers
ItemTimer    = $7E0F37 ; frames until the item may be used again
GrapnelX     = $7E0F38 ; 16-bit: position of the hook
GrapnelY     = $7E0F3A ; 16-bit
GrapnelState = $7E0F3C ; 0 coiled, 1 flying, 2 pulling, 3 returning

; ---- Queues and tables
VramQueueEnd = $7E1000 ; 16-bit: bytes used in VramQueue
VramQueue    = $7E1002 ; packets: word address, size, then the data
!VRAM_QUEUE_SIZE = $01F0
PaletteBuffer = $7E1200 ; 256 colours, uploaded when PaletteDirty is set
PaletteDirty  = $7E1400 ; 1 = upload PaletteBuffer
WaterHdma     = $7E1500 ; HDMA table of the water line
BeamHdma      = $7E1600 ; HDMA table of the lamp's window, 4 bytes a line

; Room layout, decompressed
RoomTiles     = $7F0000 ; 64 by 64 words
RoomSolid     = $7F2000 ; 64 by 64 bytes, 0 free, 1 solid, 2 water, 3 hook post
