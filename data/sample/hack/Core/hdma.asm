; ============================================================================
; HDMA effects. Channel 6 draws the water line, channel 7 the lamp's beam.
; The tables are built in the main loop and read during the next frame.
; ============================================================================

!HDMA_WATER = $40         ; channel 6 in HDMAEN
!HDMA_BEAM  = $80         ; channel 7 in HDMAEN

; Hdma_Setup: points both channels at their tables. Once per module change.
Hdma_Setup:
{
    SEP #$20
    REP #$10
    LDX.w #$3200      : STX.w DMAP0+$60     ; one byte a line, to $2132
    LDX.w #WaterHdma  : STX.w A1T0L+$60
    LDA.b #$7E        : STA.w A1B0+$60
    LDX.w #$2601      : STX.w DMAP0+$70     ; two bytes a line, to $2126/$2127
    LDX.w #BeamHdma   : STX.w A1T0L+$70
    STA.w A1B0+$70                          ; same bank
    SEP #$10
    RTL
}

; Hdma_BuildWater
; Tints everything below the water line blue. The line is RoomWater minus the
; camera, clamped to the screen; a line above the screen floods all of it.
Hdma_BuildWater:
{
    REP #$20
    LDA.w RoomWater
    SEC : SBC.b CameraY
    BEQ .above                      ; a count of zero would end the table
    BPL .not_above
.above
    LDA.w #$0001
.not_above
    CMP.w #$00E0
    BCC .on_screen
    SEP #$20
    LDA.b #!HDMA_WATER
    TRB.b HdmaMask                  ; below the screen: nothing to tint
    RTL

.on_screen
    SEP #$30
    LDX.b #$00
    CMP.b #$80                      ; a count byte holds 127 lines at most
    BCC .short
    SBC.b #$7F
    PHA
    LDA.b #$7F : STA.w WaterHdma,X
    INX
    LDA.b #$E0 : STA.w WaterHdma,X  ; black: no tint in the air
    INX
    PLA
.short
    STA.w WaterHdma,X
    LDA.b #$E0 : STA.w WaterHdma+1,X
    LDA.b #$01 : STA.w WaterHdma+2,X
    LDA.b #$88 : STA.w WaterHdma+3,X ; blue at 8 from here to the bottom
    STZ.w WaterHdma+4,X
    LDA.b #!HDMA_WATER
    TSB.b HdmaMask
    RTL
}

; Hdma_BuildBeam
; Builds the window of the lighthouse beam: a wedge that widens away from the
; lamp. BeamAngle picks the slope, BeamLength the width at the edge.
Hdma_BuildBeam:
{
    PHP
    SEP #$30
    LDA.w LampState
    BNE .lit
    LDA.b #!HDMA_BEAM
    TRB.b HdmaMask
    PLP
    RTL

.lit
    LDA.w BeamAngle
    JSL Math_Sine                   ; A = signed, -127 to 127
    STA.b Scratch2                  ; drift of the centre per entry, 1/256 pixel
    LDA.b #$80
    STA.b Scratch3                  ; centre, starts at mid screen
    STZ.b Scratch4                  ; half width, 1/8 pixel
    STZ.b Scratch5                  ; sub-pixel of the centre
    REP #$10
    LDX.w #$0000
    LDY.w #$0070                    ; 112 double lines

.line
    LDA.b #$02 : STA.w BeamHdma,X
    LDA.b Scratch4
    LSR A : LSR A : LSR A
    PHA
    EOR.b #$FF
    SEC
    ADC.b Scratch3                  ; centre - half width
    STA.w BeamHdma+1,X
    PLA
    CLC : ADC.b Scratch3            ; centre + half width
    STA.w BeamHdma+2,X
    INX : INX : INX
    JSR Hdma_StepBeam
    DEY
    BNE .line

    STZ.w BeamHdma,X                ; end of table
    LDA.b #!HDMA_BEAM
    TSB.b HdmaMask
    PLP
    RTL
}

; Moves the beam's centre by its slope and widens it by BeamLength.
; Keeps X and Y; A is lost. 8-bit A, any index width.
Hdma_StepBeam:
{
    LDA.b Scratch5
    CLC : ADC.b Scratch2
    STA.b Scratch5
    BIT.b Scratch2                  ; N = the slope points left
    BPL .right
    BCS .widen                      ; no borrow out of the sub-pixel
    DEC.b Scratch3
    BRA .widen
.right
    BCC .widen
    INC.b Scratch3
.widen
    LDA.b Scratch4
    CLC : ADC.w BeamLength
    BCC .store
    LDA.b #$FF
.store
    STA.b Scratch4
    RTS
}

; Hdma_Off: switches both effects off, for menus.
Hdma_Off:
    LDA.b #!HDMA_WATER|!HDMA_BEAM
    TRB.b HdmaMask
    RTL
