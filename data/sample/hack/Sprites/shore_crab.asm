; ============================================================================
; Shore crab: walks the sand at ebb, buries itself when the tide comes.
;   SprMiscA  0 walking, 1 buried, 2 claw raised
; ============================================================================

!CRAB_TIDE = $50          ; above this level the crab stays under the sand

Crab_Update:
{
    LDA.b #!CRAB_TIDE
    JSL Tide_IsAbove
    BCS Crab_Bury
    LDA.w SprMiscA,X
    CMP.b #$01
    BEQ Crab_DigOut
    JSR SpriteDraw_Single
    JSR Sprite_TouchKeeper
    JSR Crab_Walk
    JSR Sprite_MoveX
    RTS
}

; Under the sand: not drawn, not hurt.
Crab_Bury:
    LDA.b #$01 : STA.w SprMiscA,X
    LDA.w SprFlags,X
    ORA.b #!SPRFLAG_HARMLESS
    STA.w SprFlags,X
    RTS

Crab_DigOut:
    STZ.w SprMiscA,X
    LDA.w SprFlags,X
    AND.b #(!SPRFLAG_HARMLESS^$FF)
    STA.w SprFlags,X
    RTS

; Sideways only. Turns at random, snaps when the keeper is on its line.
Crab_Walk:
{
    LDA.w SprTimerA,X
    BNE .snap_check
    JSL Rng_Next
    AND.b #$3F
    CLC : ADC.b #$20
    STA.w SprTimerA,X
    JSL Rng_Next
    LDY.b #$0C
    LSR A
    BCC .store
    LDY.b #$F4
.store
    TYA
    STA.w SprVelX,X

.snap_check
    JSR Sprite_DeltaToKeeper
    LDA.b Scratch3
    BNE .done                       ; not on the same 256 lines
    LDA.b Scratch2
    CMP.b #$08
    BCS .done
    LDA.w SprTimerB,X
    BNE .done
    LDA.b #60 : STA.w SprTimerB,X
    ASL.w SprVelX,X                 ; a rush at double speed
    %sfx(!SFX_CLAW)
.done
    RTS
}
