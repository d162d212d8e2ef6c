; ============================================================================
; Drawing: from slots to OamBuffer.
; ============================================================================

; Screen position of slot X.
; Exit: Scratch0 = x, Scratch1 = ninth bit of x, Scratch2 = y; carry set when
; the sprite is off the screen.
SpriteDraw_ToScreen:
{
    LDA.w SprXLo,X
    SEC : SBC.b CameraX
    STA.b Scratch0
    LDA.w SprXHi,X
    SBC.b CameraX+1
    STA.b Scratch1
    BEQ .x_on_screen
    CMP.b #$FF                      ; one screen to the left: may still show
    BNE .off
    LDA.b Scratch0
    CMP.b #$F0
    BCC .off
.x_on_screen
    LDA.w SprYLo,X
    SEC : SBC.b CameraY
    STA.b Scratch2
    LDA.w SprYHi,X
    SBC.b CameraY+1
    BNE .off
    LDA.b Scratch2
    CMP.b #$E0
    BCS .off
    CLC
    RTS
.off
    SEC
    RTS
}

; SpriteDraw_Single: one 16x16 tile, number SprFrame + the type's base.
SpriteDraw_Single:
{
    JSR SpriteDraw_ToScreen
    BCS .off
    LDY.w OamIndex
    LDA.b Scratch0 : STA.w Oam.X,Y
    LDA.b Scratch2 : STA.w Oam.Y,Y
    PHX
    LDA.w SprFrame,X
    PHA
    LDA.w SprType,X
    TAX
    PLA
    CLC : ADC.w .base,X
    STA.w Oam.Tile,Y
    LDA.w .prop,X
    STA.w Oam.Prop,Y
    PLX
    JSR SpriteDraw_SetHigh
    INY : INY : INY : INY
    STY.w OamIndex
.off
    RTS

.base
    db $00, $40, $44, $48, $60, $68, $80, $6C
.prop
    db $20, $22, $24, $26, $28, $22, $2A, $2C
}

; Writes the size bit and the ninth x bit of OAM entry Y/4 into OamHigh.
; Keeps X and Y.
SpriteDraw_SetHigh:
{
    PHX
    PHY
    TYA
    LSR A : LSR A
    PHA
    AND.b #$03
    TAX                             ; which of the byte's four entries
    PLA
    LSR A : LSR A
    TAY                             ; which byte
    LDA.b Scratch1
    AND.b #$01
    ORA.b #$02                      ; large
.shift
    CPX.b #$00
    BEQ .ready
    ASL A : ASL A
    DEX
    BRA .shift
.ready
    ORA.w OamHigh,Y
    STA.w OamHigh,Y
    PLY
    PLX
    RTS
}

; SpriteDraw_Quad: a 32x32 creature from four large tiles.
SpriteDraw_Quad:
{
    LDA.w SprFrame,X
    PHA
    LDA.b #$00
.part
    STA.b Scratch5
    JSR SpriteDraw_Part
    INC.b Scratch5
    LDA.b Scratch5
    CMP.b #$04
    BCC .part
    PLA
    STA.w SprFrame,X
    RTS
}

; Part Scratch5 (0-3) of a quad: moves the slot by 16 pixels and back.
SpriteDraw_Part:
{
    LDY.b Scratch5
    LDA.w SprXLo,X : PHA
    LDA.w SprYLo,X : PHA
    LDA.w SprXLo,X
    CLC : ADC.w .x,Y
    STA.w SprXLo,X
    LDA.w SprYLo,X
    CLC : ADC.w .y,Y
    STA.w SprYLo,X
    LDA.w .tile,Y
    STA.w SprFrame,X
    JSR SpriteDraw_Single
    PLA : STA.w SprYLo,X
    PLA : STA.w SprXLo,X
    RTS

.x
    db 0, 16, 0, 16
.y
    db 0, 0, 16, 16
.tile
    db $00, $02, $20, $22
}
