; ============================================================================
; Saving: checksummed slots of $100 bytes in bank $70.
; Slot 0 is the game in play. Slots 1 and 2 are what the ledger writes.
; ============================================================================

; Save_Write
; Entry: A = slot, 1 or 2. 8-bit A, X, Y.
; Sums slot 0, then copies it over the target.
Save_Write:
{
    PHP
    REP #$30
    AND.w #$0003
    XBA                             ; slot * $100
    TAY
    LDA.w #!SAVE_MAGIC : STA.l SaveMagic
    JSR Save_Sum
    STA.l SaveChecksum

    TYX
    LDY.w #!SAVE_SLOT_SIZE/2
    STZ.b Scratch4                  ; offset in slot 0
.copy
    PHX
    LDX.b Scratch4
    LDA.l SaveMagic,X
    PLX
    STA.l SaveMagic,X
    INX : INX
    INC.b Scratch4 : INC.b Scratch4
    DEY
    BNE .copy
    PLP
    RTL
}

; Save_Load
; Entry: A = slot, 1 or 2. Exit: carry set when the slot is empty or damaged;
; slot 0 then holds a fresh game.
Save_Load:
{
    PHP
    REP #$30
    AND.w #$0003
    XBA
    TAX
    STZ.b Scratch4
    LDY.w #!SAVE_SLOT_SIZE/2
.copy
    LDA.l SaveMagic,X
    PHX
    LDX.b Scratch4
    STA.l SaveMagic,X
    PLX
    INX : INX
    INC.b Scratch4 : INC.b Scratch4
    DEY
    BNE .copy

    JSR Save_Verify
    BCC .good
    JSR Save_Clear
    PLP
    SEC
    RTL
.good
    PLP
    CLC
    RTL
}

; Carry clear when slot 0 carries the magic word and the right sum. 16-bit A, X.
Save_Verify:
{
    LDA.l SaveMagic
    CMP.w #!SAVE_MAGIC
    BNE .bad
    JSR Save_Sum
    CMP.l SaveChecksum
    BNE .bad
    CLC
    RTS
.bad
    SEC
    RTS
}

; 16-bit A = sum of the words $04-$FE of slot 0. Keeps Y. 16-bit A, X.
Save_Sum:
{
    LDX.w #!SAVE_SLOT_SIZE-2
    LDA.w #$0000
.add
    CLC
    ADC.l SaveMagic,X
    DEX : DEX
    CPX.w #$0004
    BCS .add
    RTS
}

; A fresh game in slot 0: three hearts, a small can of oil, nothing owned.
; 16-bit A, X.
Save_Clear:
{
    LDX.w #!SAVE_SLOT_SIZE-2
    LDA.w #$0000
.zero
    STA.l SaveMagic,X
    DEX : DEX
    BPL .zero
    LDA.w #$0606 : STA.l HealthMax  ; HealthMax and Health, three hearts
    LDA.w #$0120 : STA.l OilMax
    STA.w LampOil
    RTS
}

; Erases a slot from the file screen. A = slot, 1 or 2.
Save_Erase:
    REP #$30
    AND.w #$0003
    XBA
    TAX
    LDA.w #$0000
    STA.l SaveMagic,X               ; no magic word, no game
    SEP #$30
    RTL
