; ============================================================================
; Fog wraith: as strong as the fog is thick, and burned by the beam.
;   SprMiscA  0 hidden, 1 stalking, 2 burning
; ============================================================================

!WRAITH_MIN_FOG = 4

Wraith_Update:
{
    LDA.w FogDensity
    CMP.b #!WRAITH_MIN_FOG
    BCC Wraith_Fade
    JSR Wraith_InBeam
    BCS Wraith_Burn
    LDA.b #$01 : STA.w SprMiscA,X
    JSR Wraith_Stalk
    JSR Sprite_TouchKeeper
    JSR Sprite_MoveX
    JSR Sprite_MoveY
    ; every other frame only: the cheapest translucency there is
    LDA.b FrameCounter
    LSR A
    BCC .skip
    JSR SpriteDraw_Single
.skip
    RTS
}

; Thin fog hides it; it waits where it is.
Wraith_Fade:
    STZ.w SprMiscA,X
    STZ.w SprVelX,X
    STZ.w SprVelY,X
    RTS

; A hit every 20 frames in the light, and it recoils.
Wraith_Burn:
{
    LDA.b #$02 : STA.w SprMiscA,X
    JSR SpriteDraw_Single
    LDA.w SprTimerB,X
    BNE .wait
    LDA.b #20 : STA.w SprTimerB,X
    LDA.b #$01
    JSL Sprite_Damage
    LDA.w SprVelX,X
    EOR.b #$FF
    INC A
    STA.w SprVelX,X
    %sfx(!SFX_WRAITH)
.wait
    RTS
}

; Speed is FogDensity; direction is towards the keeper.
Wraith_Stalk:
{
    JSR Sprite_DeltaToKeeper
    LDA.w FogDensity
    BIT.b Scratch1
    BPL .right
    EOR.b #$FF
    INC A
.right
    STA.w SprVelX,X
    LDA.w FogDensity
    BIT.b Scratch3
    BPL .down
    EOR.b #$FF
    INC A
.down
    STA.w SprVelY,X
    RTS
}

; Carry set when the slot's x lies between the beam's edges on its own line.
; Reads the HDMA table, so what burns is exactly what is lit on the screen.
Wraith_InBeam:
{
    LDA.w LampState
    BEQ .no
    JSR SpriteDraw_ToScreen
    BCS .no
    PHX
    LDA.b Scratch2
    LSR A                           ; the table has one entry for two lines
    STA.b Scratch3
    ASL A
    REP #$30
    AND.w #$00FE
    STA.b Scratch4
    LDA.b Scratch3
    AND.w #$007F
    CLC : ADC.b Scratch4            ; line * 3
    TAX
    SEP #$20
    LDA.b Scratch0
    CMP.w BeamHdma+1,X
    BCC .outside
    CMP.w BeamHdma+2,X
    BEQ .inside
    BCS .outside
.inside
    SEP #$10
    PLX
    SEC
    RTS
.outside
    SEP #$10
    PLX
.no
    CLC
    RTS
}
