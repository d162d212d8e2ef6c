; ============================================================================
; Side quests. None is needed for the ending.
; ============================================================================

!LOG_COMPLETE = $0FFF     ; all twelve pages
!RING_REWARD  = 50

; Side_FindPage
; Entry: A = page 0-11. The twelfth page completes the log book, and the
; chart maker trades it for the storm glass.
Side_FindPage:
{
    REP #$30
    AND.w #$000F
    TAX
    LDA.w #$0001
.shift
    DEX
    BMI .ready
    ASL A
    BRA .shift
.ready
    ORA.l LogPages
    STA.l LogPages
    CMP.w #!LOG_COMPLETE
    SEP #$30
    BNE .more
    %set_flag(SideFlags, !SIDE_LOG_BOOK)
    LDA.b #!ITEM_GLASS
    JSL Item_Give
.more
    REP #$20
    LDA.w #$000A
    JSL Message_Open
    SEP #$20
    RTL
}

; Side_ReturnRing: the gull's ring, brought back to the miller. Fifty coins.
Side_ReturnRing:
{
    LDA.l SideFlags
    AND.b #!SIDE_RING
    BNE .done
    %set_flag(SideFlags, !SIDE_RING)
    REP #$20
    LDA.w #!RING_REWARD
    JSL Side_AddCoins
    SEP #$20
.done
    RTL
}

; Side_AddCoins: 16-bit A coins more, 999 at most.
Side_AddCoins:
    CLC : ADC.l Coins
    CMP.w #1000
    BCC +
    LDA.w #999
+   STA.l Coins
    RTL

; Side_FinishRace: A = seconds. Under 25 the crab race is won, and the can grows
; by 96 drops.
Side_FinishRace:
{
    CMP.b #25
    BCS .slow
    LDA.l SideFlags
    AND.b #!SIDE_CRAB_RACE
    BNE .slow
    %set_flag(SideFlags, !SIDE_CRAB_RACE)
    REP #$20
    LDA.l OilMax
    CLC : ADC.w #96
    STA.l OilMax
    SEP #$20
.slow
    RTL
}

; Side_MendRope: the chapel's bell rope; one more heart.
Side_MendRope:
{
    LDA.l SideFlags
    AND.b #!SIDE_ROPE
    BNE .done
    %set_flag(SideFlags, !SIDE_ROPE)
    LDA.l HealthMax
    INC A
    INC A
    STA.l HealthMax
    STA.l Health
.done
    RTL
}
