; ============================================================================
; Overworld frame and area changes. 24 areas, six by four.
; ============================================================================

!AREA_COLUMNS = 6

; Overworld_Frame: once a frame in overworld mode.
Overworld_Frame:
{
    PHP
    %ai8()
    %own_bank()
    JSL Tide_Update
    JSL Clock_Update
    JSL Weather_Update
    JSL Lantern_Update
    JSL Boat_Update
    JSR Overworld_CheckEdge
    JSL Hdma_BuildBeam
    PLB
    PLP
    RTL
}

; Leaves the area when the keeper walks past a screen edge, 1024 pixels a side.
Overworld_CheckEdge:
{
    REP #$20
    LDA.b KeeperX
    BMI .west
    CMP.w #$0400
    BCS .east
    LDA.b KeeperY
    BMI .north
    CMP.w #$0400
    BCS .south
    SEP #$20
    RTS

.west
    LDX.b #$00
    BRA .leave
.east
    LDX.b #$01
    BRA .leave
.north
    LDX.b #$02
    BRA .leave
.south
    LDX.b #$03
.leave
    SEP #$20
    JSR Overworld_ChangeArea
    RTS
}

; X = 0 west, 1 east, 2 north, 3 south.
Overworld_ChangeArea:
{
    LDA.w AreaId
    CLC : ADC.w .step,X
    CMP.b #24
    BCS .stay                       ; open sea all around
    STA.w AreaId
    TXA
    ASL A
    TAX
    REP #$20
    LDA.w .wrap_x,X
    BEQ .vertical
    CLC : ADC.b KeeperX
    STA.b KeeperX
.vertical
    LDA.w .wrap_y,X
    BEQ .moved
    CLC : ADC.b KeeperY
    STA.b KeeperY
.moved
    SEP #$20
    LDA.w AreaId
    JSL Vanilla_LoadTiles
    JSR Overworld_SpawnArea
.stay
    RTS

.step
    db -1, 1, -!AREA_COLUMNS, !AREA_COLUMNS
.wrap_x
    dw $0400, -$0400, $0000, $0000
.wrap_y
    dw $0000, $0000, $0400, -$0400
}

; Spawns the area's creatures from AreaSprites: type, x / 4, y / 4; $FF ends.
Overworld_SpawnArea:
{
    LDA.w AreaId
    ASL A
    TAX
    REP #$20
    LDA.w AreaSprites,X
    STA.b Pointer1
    SEP #$20
    PHK
    PLA
    STA.b Pointer1+2
    LDY.b #$00
.next
    LDA.b [Pointer1],Y
    CMP.b #$FF
    BEQ .done
    PHA
    INY
    LDA.b [Pointer1],Y
    JSR Overworld_TimesFour
    STA.b Scratch0
    STX.b Scratch1
    INY
    LDA.b [Pointer1],Y
    JSR Overworld_TimesFour
    STA.b Scratch2
    STX.b Scratch3
    INY
    PLA
    PHY
    JSL Sprite_Spawn
    PLY
    BRA .next
.done
    RTS
}

; A = low byte and X = high byte of 4 * A.
Overworld_TimesFour:
    STZ.b Scratch4
    ASL A
    ROL.b Scratch4
    ASL A
    ROL.b Scratch4
    LDX.b Scratch4
    RTS

; Area 8 is the lighthouse rock; the sea around it has no list of its own.
AreaSprites:
    dw .sea, .sea, .reef, .sea, .sea, .sea
    dw .sea, .shore, .rock, .shore, .mill, .sea
    dw .sea, .harbor, .harbor, .chapel, .mill, .sea
    dw .wreck, .wreck, .sea, .shore, .sea, .sea

.sea
    db !TYPE_GULL, $40, $20, $FF
.reef
    db !TYPE_GULL, $30, $30, !TYPE_WRAITH, $80, $60, $FF
.shore
    db !TYPE_CRAB, $50, $B0, !TYPE_CRAB, $90, $B8, !TYPE_GULL, $20, $40, $FF
.rock
    db !TYPE_LAMP_MOTH, $70, $50, !TYPE_LAMP_MOTH, $88, $58, $FF
.mill
    db !TYPE_LAMP_MOTH, $28, $90, $FF
.harbor
    db !TYPE_FERRYMAN, $64, $A0, !TYPE_GULL, $30, $18, $FF
.chapel
    db !TYPE_WRAITH, $60, $40, !TYPE_WRAITH, $A0, $44, $FF
.wreck
    db !TYPE_CRAB, $40, $C0, !TYPE_WRAITH, $78, $78, $FF
