; ============================================================================
; Arithmetic. All routines: 8-bit A, X, Y on entry unless said otherwise.
; ============================================================================

; Rng_Seed: from the frame counter; the state must never be zero.
Rng_Seed:
    LDA.b FrameCounter
    ORA.b #$01
    STA.w RngState
    LDA.b #$A7
    STA.w RngState+1
    RTL

; Rng_Next
; 16-bit Galois LFSR, taps $B400, period 65,535.
; Exit: A = 0 to 255. Keeps X and Y.
Rng_Next:
{
    REP #$20
    LDA.w RngState
    LSR A
    BCC .no_tap
    EOR.w #$B400
.no_tap
    STA.w RngState
    SEP #$20
    RTL
}

; Rng_Below: A = a number from 0 to A-1, by multiplying instead of dividing:
; the high byte of random * limit. Keeps X and Y.
Rng_Below:
    STA.w WRMPYA
    JSL Rng_Next
    STA.w WRMPYB
    NOP : NOP : NOP : NOP           ; the multiplier takes 8 cycles
    LDA.w RDMPYH
    RTL

; Math_Sine
; A = angle 0-255; returns 127 * sin, signed. Quarter table and two mirrors.
Math_Sine:
{
    PHX
    PHA
    BIT.b #$40                      ; second or fourth quarter: read backwards
    BEQ .forward
    EOR.b #$3F
.forward
    AND.b #$3F
    LSR A : LSR A                   ; 16 entries a quarter
    TAX
    LDA.l .quarter,X
    PLX                             ; the angle again, only for its sign
    BPL .positive
    EOR.b #$FF
    INC A
.positive
    PLX
    RTL

.quarter
    db 6, 19, 31, 43, 54, 65, 76, 85
    db 94, 102, 109, 115, 120, 123, 126, 127
}

; Math_Cosine: a quarter turn ahead of the sine.
Math_Cosine:
    CLC : ADC.b #$40
    JSL Math_Sine
    RTL

; A = |A| for a signed byte. $80 stays $80.
Math_Abs:
    CMP.b #$80
    BCC +
    EOR.b #$FF
    INC A
+   RTL

; Math_Div16by8
; Entry: 16-bit dividend in Scratch0, divisor in A.
; Exit: quotient in Scratch0 (16-bit), remainder in A. Divisor 0 gives $FFFF.
Math_Div16by8:
{
    REP #$10
    LDX.b Scratch0
    STX.w WRDIVL
    STA.w WRDIVB                    ; starts; result in 16 cycles
    NOP : NOP : NOP : NOP
    NOP : NOP : NOP : NOP
    LDX.w RDDIVL
    STX.b Scratch0
    LDA.w RDMPYL
    SEP #$10
    RTL
}

; Math_ToDecimal
; Entry: 16-bit number below 1000 in Scratch0. Exit: Scratch2 hundreds,
; Scratch3 tens, Scratch4 ones. For coins and oil.
Math_ToDecimal:
{
    LDA.b #10
    JSL Math_Div16by8
    STA.b Scratch4
    LDA.b #10
    JSL Math_Div16by8
    STA.b Scratch3
    LDA.b Scratch0
    STA.b Scratch2
    RTL
}

; Math_Distance
; Chebyshev distance of two points, cheap enough for every sprite.
; Entry: 16-bit A, X, Y; Scratch0 = x1 - x2, Scratch2 = y1 - y2, both signed.
; Exit: 16-bit A = the larger of the two magnitudes.
Math_Distance:
{
    LDA.b Scratch0
    BPL .x_positive
    EOR.w #$FFFF
    INC A
    STA.b Scratch0
.x_positive
    LDA.b Scratch2
    BPL .y_positive
    EOR.w #$FFFF
    INC A
.y_positive
    CMP.b Scratch0
    BCS .done
    LDA.b Scratch0
.done
    RTL
}

; Nobody calls this any more: the old HUD divided by ten with a table of
; reciprocals. Kept because the title screen of version 1.0 is archived with it.
Math_MulHighTenth:
    STA.w WRMPYA
    LDA.b #26                       ; 256 / 10, rounded up
    STA.w WRMPYB
    NOP : NOP : NOP : NOP
    LDA.w RDMPYH
    RTL
