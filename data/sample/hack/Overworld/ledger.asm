; ============================================================================
; The keeper's ledger on the lighthouse rock: where the story is written down.
; ============================================================================

!MSG_SWORN = $0000
!MSG_LENS  = $000B

; Ledger_Sign
; First signature: the watch begins. Later ones save the game to slot 1.
Ledger_Sign:
{
    LDA.l StoryFlags
    AND.b #!STORY_SWORN
    BNE .save
    %set_flag(StoryFlags, !STORY_SWORN)
    %set_flag(ItemFlags, !ITEM_LANTERN)
    REP #$20
    LDA.l OilMax
    STA.w LampOil                   ; a full can to start with
    SEP #$20
    JSL Clock_Start
    REP #$20
    LDA.w #!MSG_SWORN
    JSL Message_Open
    SEP #$20
    RTL
.save
    LDA.b #$01
    JSL Save_Write
    RTL
}

; Ledger_MendLens: the last step before the end. Needs the bell silenced.
; Exit: carry set when it is too early.
Ledger_MendLens:
{
    %branch_if_flag(StoryFlags, !STORY_BELL, .ready)
    SEC
    RTL
.ready
    %set_flag(StoryFlags, !STORY_LENS)
    REP #$20
    LDA.w #!MSG_LENS
    JSL Message_Open
    SEP #$20
    CLC
    RTL
}

; Ledger_LightLens: the ending. A flare in the mended lens fills the screen.
Ledger_LightLens:
{
    %branch_if_flag(StoryFlags, !STORY_LENS, .mended)
    RTL
.mended
    LDA.b #$02 : STA.w LampState
    %music(!SONG_HARBOR)
    %wait_frames(120)
    JSL Frame_FadeOut
    %set_flag(StoryFlags, !STORY_ENDING)
    STZ.b GameMode                  ; !MODE_TITLE
    RTL
}
