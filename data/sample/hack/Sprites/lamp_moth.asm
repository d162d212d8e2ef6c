; ============================================================================
; Lamp moth: drawn to light, eats oil. Harmless in the dark.
;   SprMiscA  frames it has been sitting on the lamp
; ============================================================================

Moth_Update:
{
    JSR SpriteDraw_Single
    JSR Moth_Flutter
    LDA.w LampState
    BEQ .dark
    JSR Moth_SeekKeeper
    LDA.b #14
    JSR Sprite_IsNear
    BCS .move
    JSR Moth_DrinkOil
    BRA .move
.dark
    JSR Moth_Drift
.move
    JSR Sprite_MoveX
    JSR Sprite_MoveY
    RTS
}

; Turns the velocity by one towards the keeper, on each axis.
Moth_SeekKeeper:
{
    JSR Sprite_DeltaToKeeper
    LDA.b Scratch1
    ASL A                           ; sign of dx into carry
    LDA.w SprVelX,X
    BCS .left
    INC A
    CMP.b #$12
    BEQ .vertical
    BRA .store_x
.left
    DEC A
    CMP.b #$EE
    BEQ .vertical
.store_x
    STA.w SprVelX,X
.vertical
    LDA.b Scratch3
    ASL A
    LDA.w SprVelY,X
    BCS .up
    INC A
    CMP.b #$12
    BEQ .done
    BRA .store_y
.up
    DEC A
    CMP.b #$EE
    BEQ .done
.store_y
    STA.w SprVelY,X
.done
    RTS
}

; Every 16th frame on the lamp costs four drops of oil.
Moth_DrinkOil:
{
    INC.w SprMiscA,X
    LDA.w SprMiscA,X
    AND.b #$0F
    BNE .not_yet
    REP #$20
    LDA.w LampOil
    SEC : SBC.w #$0004
    BCS .store
    LDA.w #$0000
.store
    STA.w LampOil
    SEP #$20
    %sfx(!SFX_MOTH)
.not_yet
    RTS
}

; With no light to follow, the wind takes it.
Moth_Drift:
{
    LDA.w WindForce
    ASL A : ASL A
    STA.b Scratch0
    LDA.w WindDir
    CMP.b #!DIR_LEFT
    BNE .not_left
    LDA.b #$00
    SEC : SBC.b Scratch0
    STA.w SprVelX,X
    RTS
.not_left
    CMP.b #!DIR_RIGHT
    BNE .calm
    LDA.b Scratch0
    STA.w SprVelX,X
    RTS
.calm
    STZ.w SprVelX,X
    RTS
}

Moth_Flutter:
    LDA.b FrameCounter
    LSR A
    AND.b #$02
    STA.w SprFrame,X
    RTS
