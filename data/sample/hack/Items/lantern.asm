; ============================================================================
; Lantern: light, oil, and the turning of the lighthouse lamp.
; ============================================================================

!OIL_PER_MINUTE = 2
!OIL_FLARE      = 8       ; a flare burns four times as fast
!BEAM_NORMAL    = 6
!BEAM_FLARE     = 14

; Lantern_Use: dark -> lit -> flare -> dark. Refuses without oil.
Lantern_Use:
{
    LDA.b #16 : STA.w ItemTimer
    REP #$20
    LDA.w LampOil
    SEP #$20
    BEQ .no_oil
    LDA.w LampState
    INC A
    CMP.b #$03
    BCC .store
    LDA.b #$00
.store
    STA.w LampState
    BEQ .off
    %sfx(!SFX_LAMP_ON)
    RTS
.off
    %sfx(!SFX_LAMP_OFF)
    RTS
.no_oil
    JSR Lantern_GoOut
    RTS
}

; Lantern_Update: turns the beam and sets its width.
Lantern_Update:
{
    LDA.w LampState
    BEQ .dark
    LDY.b #!BEAM_NORMAL
    CMP.b #$02
    BNE .width
    LDY.b #!BEAM_FLARE
.width
    STY.w BeamLength
    LDA.b FrameCounter
    LSR A
    BCS .dark                       ; half a step a frame
    INC.w BeamAngle
.dark
    RTL
}

; Lantern_BurnOil: once a game minute. Message $02 when the oil runs low.
Lantern_BurnOil:
{
    LDA.w LampState
    BEQ .dark
    LDX.b #!OIL_PER_MINUTE
    CMP.b #$02
    BNE .burn
    LDX.b #!OIL_FLARE
.burn
    STX.b Scratch0
    STZ.b Scratch1
    REP #$20
    LDA.w LampOil
    SEC : SBC.b Scratch0
    BCS .left
    LDA.w #$0000
.left
    STA.w LampOil
    BEQ .out
    CMP.w #$0010
    BNE .enough
    LDA.w #$0002
    JSL Message_Open
.enough
    SEP #$20
.dark
    RTL
.out
    SEP #$20
    JSR Lantern_GoOut
    RTL
}

; No oil: the lamp is dark, the beam is gone.
Lantern_GoOut:
    STZ.w LampState
    STZ.w BeamLength
    %sfx(!SFX_LAMP_OFF)
    RTS

; Lantern_AddOil: A = drops. Never more than OilMax. Keeps X.
Lantern_AddOil:
{
    REP #$20
    AND.w #$00FF
    CLC : ADC.w LampOil
    CMP.l OilMax
    BCC .fits
    LDA.l OilMax
.fits
    STA.w LampOil
    SEP #$20
    RTL
}
