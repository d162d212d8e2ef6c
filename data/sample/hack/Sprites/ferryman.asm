; ============================================================================
; The ferryman: an NPC. Asks for twenty coins, gives the oars.
; ============================================================================

!FERRY_PRICE   = 20
!MSG_FERRY_ASK  = $0004
!MSG_FERRY_PAID = $0005
!MSG_FERRY_POOR = $0006
!MSG_FERRY_DONE = $0007

Ferryman_Update:
{
    JSR SpriteDraw_Single
    LDA.w MessageStep
    BNE .busy
    LDA.b #20
    JSR Sprite_IsNear
    BCS .busy
    LDA.b JoyNew
    BPL .busy                       ; bit 7 of the low byte: A
    JSR Ferryman_Talk
.busy
    RTS
}

; Which line he says depends on the purse and on what is already paid.
Ferryman_Talk:
{
    LDA.l StoryFlags
    AND.b #!STORY_FERRY
    BNE .done
    LDA.w SprMiscA,X
    BNE .offer
    INC.w SprMiscA,X
    REP #$20
    LDA.w #!MSG_FERRY_ASK
    BRA .say
.offer
    REP #$20
    LDA.l Coins
    SEC : SBC.w #!FERRY_PRICE
    BCC .poor
    STA.l Coins
    SEP #$20
    %set_flag(StoryFlags, !STORY_FERRY)
    %set_flag(ItemFlags, !ITEM_OARS)
    REP #$20
    LDA.w #!MSG_FERRY_PAID
    BRA .say
.poor
    LDA.w #!MSG_FERRY_POOR
    BRA .say
.done
    REP #$20
    LDA.w #!MSG_FERRY_DONE
.say
    PHX
    JSL Message_Open
    SEP #$30
    PLX
    RTS
}
