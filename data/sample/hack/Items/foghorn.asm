; ============================================================================
; Foghorn: thins the fog, stuns what is near, cracks the Drowned Bell.
; ============================================================================

!HORN_COOLDOWN = 180
!HORN_RANGE    = 96

Foghorn_Use:
{
    LDA.b #!HORN_COOLDOWN : STA.w ItemTimer
    %sfx(!SFX_FOGHORN)
    LDA.w FogDensity
    SEC : SBC.b #$03
    BCS .thinner
    LDA.b #$00
.thinner
    STA.w FogDensity
    JSR Foghorn_StunNear
    JSL Bell_HearHorn
    RTS
}

; Every active sprite within !HORN_RANGE pixels loses 90 frames.
Foghorn_StunNear:
{
    LDX.b #!SPRITE_SLOTS-1
.slot
    LDA.w SprState,X
    CMP.b #!SPR_ACTIVE
    BNE .next
    LDA.w SprFlags,X
    AND.b #!SPRFLAG_ANCHORED
    BNE .next
    JSR Foghorn_InRange
    BCS .next
    LDA.b #!SPR_STUNNED : STA.w SprState,X
    LDA.b #90 : STA.w SprTimerA,X
.next
    DEX
    BPL .slot
    RTS
}

; Carry clear when slot X is in range. Only the low bytes: the range is less
; than half a screen, and what is farther has been despawned.
Foghorn_InRange:
{
    LDA.w SprXLo,X
    SEC : SBC.b KeeperX
    JSL Math_Abs
    CMP.b #!HORN_RANGE
    BCS .far
    LDA.w SprYLo,X
    SEC : SBC.b KeeperY
    JSL Math_Abs
    CMP.b #!HORN_RANGE
.far
    RTS
}
