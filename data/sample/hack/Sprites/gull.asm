; ============================================================================
; Gull: circles, dives at the keeper, steals a coin and flies off.
;   SprMiscA  0 circling, 1 diving, 2 fleeing with the loot
;   SprMiscB  angle on the circle
; ============================================================================

Gull_Update:
{
    JSR Sprite_TouchKeeper
    JSR Gull_Animate
    JSR Sprite_MoveX
    JSR Sprite_MoveY
    JSR SpriteDraw_Single
    LDA.w SprMiscA,X
    BEQ Gull_Circle
    CMP.b #$01
    BEQ Gull_Dive
    BRA Gull_Flee
}

; Velocity follows a circle; from close by, and not too often, it dives.
Gull_Circle:
{
    INC.w SprMiscB,X
    LDA.w SprMiscB,X
    JSL Math_Cosine
    JSR Gull_Quarter
    STA.w SprVelX,X
    LDA.w SprMiscB,X
    JSL Math_Sine
    JSR Gull_Quarter
    STA.w SprVelY,X

    LDA.w SprTimerB,X
    BNE .wait
    LDA.b #72
    JSR Sprite_IsNear
    BCS .wait
    LDA.b #$01 : STA.w SprMiscA,X
    LDA.b #40  : STA.w SprTimerA,X
    %sfx(!SFX_GULL)
.wait
    RTS
}

; Straight at where the keeper stands, for 40 frames.
Gull_Dive:
{
    LDA.w SprTimerA,X
    BEQ .missed
    JSR Sprite_DeltaToKeeper
    LDY.b #$20
    LDA.b Scratch1
    BPL .right
    LDY.b #$E0
.right
    TYA
    STA.w SprVelX,X
    LDY.b #$20
    LDA.b Scratch3
    BPL .down
    LDY.b #$E0
.down
    TYA
    STA.w SprVelY,X
    LDA.b #10
    JSR Sprite_IsNear
    BCS .out
    JSR Gull_StealCoin
    LDA.b #$02 : STA.w SprMiscA,X
.out
    RTS
.missed
    STZ.w SprMiscA,X
    LDA.b #90 : STA.w SprTimerB,X   ; a breather before the next dive
    RTS
}

; Up and away; Sprite_Despawn frees the slot.
Gull_Flee:
    LDA.b #$D0 : STA.w SprVelY,X
    STZ.w SprVelX,X
    RTS

; One coin less, if there is one. Keeps X.
Gull_StealCoin:
{
    REP #$20
    LDA.l Coins
    BEQ .poor
    DEC A
    STA.l Coins
.poor
    SEP #$20
    RTS
}

; A = A / 4, signed.
Gull_Quarter:
    CMP.b #$80
    ROR A
    CMP.b #$80
    ROR A
    RTS

; Two frames of wings, slower while it glides on a circle.
Gull_Animate:
    LDA.b FrameCounter
    LSR A : LSR A : LSR A
    AND.b #$01
    ASL A
    STA.w SprFrame,X
    RTS
