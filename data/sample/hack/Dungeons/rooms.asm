; ============================================================================
; Rooms: headers, loading, the frame of dungeon mode, water and doors.
; ============================================================================

; Room_Frame: once a frame in dungeon mode, before the keeper moves.
Room_Frame:
{
    PHP
    %ai8()
    %own_bank()
    JSL Tide_Update
    JSL Clock_Update
    JSR Room_UpdateWater
    JSL Sluice_Update
    JSR Room_CheckSwim
    JSL Hdma_BuildWater
    PLB
    PLP
    RTL
}

; Room_Load
; Reads the header of RoomId and unpacks its layout. Screen is blanked.
Room_Load:
{
    PHP
    %ai8()
    %own_bank()
    JSL Vram_QueueClear
    LDA.w RoomId                    ; eight rooms so far: the low byte is enough
    ASL A : ASL A : ASL A
    TAY
    LDA.w RoomHeaders+RoomHeader.Song,Y
    STA.w MusicRequest
    LDA.w RoomHeaders+RoomHeader.Flags,Y
    STA.w RoomFlags
    LDA.w RoomHeaders+RoomHeader.Doors,Y
    STA.w DoorMask
    LDA.w RoomHeaders+RoomHeader.Tiles+2,Y
    STA.b Pointer0+2
    REP #$20
    LDA.w RoomHeaders+RoomHeader.Water,Y
    STA.w RoomWater
    LDA.w RoomHeaders+RoomHeader.Tiles,Y
    STA.b Pointer0
    SEP #$20
    JSL Vanilla_UnpackLayout
    STZ.w SluiceState
    JSR Room_ApplyStory
    JSR Room_MarkVisited
    JSL Hdma_Setup
    PLB
    PLP
    RTL
}

; The cistern (rooms 0-3) stays dry once its sluice has been opened.
Room_ApplyStory:
{
    LDA.w RoomId
    CMP.b #$04
    BCS .belfry
    LDA.l StoryFlags
    AND.b #!STORY_CISTERN
    BEQ .belfry
    LDA.w RoomFlags
    AND.b #$FE
    STA.w RoomFlags
    REP #$20
    LDA.w #$01F0 : STA.w RoomWater
    SEP #$20
.belfry
    RTS
}

; Room_OpenChest: gives what Room_ChestItems says the room holds, once.
; Exit: carry set when it was empty.
Room_OpenChest:
{
    PHB
    PHK
    PLB
    LDX.w RoomId
    LDA.w Room_ChestItems,X
    BEQ .empty
    STA.b Scratch1
    LDA.l ItemFlags
    AND.b Scratch1
    BNE .empty                      ; owned: the chest was opened before
    LDA.b Scratch1
    JSL Item_Give
    %sfx(!SFX_CONFIRM)
    PLB
    CLC
    RTL
.empty
    PLB
    SEC
    RTL
}

; Bit of ItemFlags by room, 0 = no chest
Room_ChestItems:
    db $00, $00, $00, !ITEM_GRAPNEL, $00, $00, $00, $00

; Sets the room's bit of RoomVisited: byte RoomId / 8, bit RoomId & 7.
Room_MarkVisited:
{
    LDA.w RoomId
    AND.b #$07
    TAX
    LDA.w Room_Bits,X
    STA.b Scratch0
    LDA.w RoomId
    LSR A : LSR A : LSR A
    TAX
    LDA.l RoomVisited,X
    ORA.b Scratch0
    STA.l RoomVisited,X
    LDA.w RoomFlags
    ORA.b #$80
    STA.w RoomFlags
    RTS
}

Room_Bits:
    db $01, $02, $04, $08, $10, $20, $40, $80

; Flooded rooms follow the sea: the water line is the header's line minus what
; the tide has risen. Drained rooms keep theirs.
Room_UpdateWater:
{
    LDA.w RoomFlags
    LSR A                           ; bit 0: flooded
    BCC .dry
    LDA.w SluiceState               ; the open gate owns the water line
    BNE .dry
    LDA.w RoomId
    ASL A : ASL A : ASL A
    TAY
    JSL Tide_ToPixels               ; 16-bit A from here
    STA.b Scratch0
    LDA.w RoomHeaders+RoomHeader.Water,Y
    SEC : SBC.b Scratch0
    STA.w RoomWater
    SEP #$20
.dry
    RTS
}

; The keeper swims when his feet are 8 pixels below the water line.
Room_CheckSwim:
{
    REP #$20
    LDA.b KeeperY
    CLC : ADC.w #$0010
    SEC : SBC.w RoomWater
    BMI .above
    CMP.w #$0008
    SEP #$20
    BCC .out
    LDA.b KeeperState
    CMP.b #!KEEPER_SWIM
    BEQ .out
    LDA.b #!KEEPER_SWIM : STA.b KeeperState
    %sfx(!SFX_SPLASH)
.out
    RTS
.above
    SEP #$20
    LDA.b KeeperState
    CMP.b #!KEEPER_SWIM
    BNE .out
    STZ.b KeeperState
    RTS
}

; Room_OpenDoor: A = door number 0-7. Opens it when a small key is left.
; Exit: carry set when there was none.
Room_OpenDoor:
{
    AND.b #$07
    TAX
    LDA.l Room_Bits,X
    STA.b Scratch0
    LDA.w RoomId
    LSR A : LSR A                   ; four rooms a dungeon
    TAX
    LDA.l DungeonKeys,X
    BEQ .locked
    DEC A
    STA.l DungeonKeys,X
    LDA.w DoorMask
    ORA.b Scratch0
    STA.w DoorMask
    CLC
    RTL
.locked
    SEC
    RTL
}

; Song, flags, water line, doors, layout: eight bytes a room.
RoomHeaders:
    db !SONG_CISTERN, $00 : dw $01F0 : db $01 : dl Layout_Stair      ; 0 stair
    db !SONG_CISTERN, $01 : dw $0160 : db $00 : dl Layout_Sluice     ; 1 sluice
    db !SONG_CISTERN, $01 : dw $0140 : db $06 : dl Layout_Gallery    ; 2 gallery
    db !SONG_CISTERN, $03 : dw $0180 : db $00 : dl Layout_Pump       ; 3 pump
    db !SONG_NIGHT,   $02 : dw $01F0 : db $01 : dl Layout_Crypt      ; 4 crypt
    db !SONG_NIGHT,   $02 : dw $01F0 : db $03 : dl Layout_Stair      ; 5 lower stair
    db !SONG_NIGHT,   $03 : dw $0190 : db $00 : dl Layout_Gallery    ; 6 nave
    db !SONG_BELL,    $05 : dw $0150 : db $00 : dl Layout_Belfry     ; 7 belfry

; Packed layouts: pairs of count and tile, $00 ends. Solid border, free inside.
Layout_Stair:
    db $40, $11, $3E, $01, $02, $11, $1E, $04, $20, $01, $40, $11, $00
Layout_Sluice:
    db $40, $11, $3E, $01, $02, $12, $3E, $02, $40, $11, $00
Layout_Gallery:
    db $40, $11, $10, $01, $1E, $03, $10, $01, $40, $11, $00
Layout_Pump:
    db $40, $11, $20, $02, $1E, $05, $40, $11, $00
Layout_Crypt:
    db $40, $11, $3E, $06, $02, $11, $3E, $06, $40, $11, $00
Layout_Belfry:
    db $40, $11, $3E, $02, $02, $13, $3E, $02, $40, $11, $00
