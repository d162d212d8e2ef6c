; ============================================================================
; VRAM queue: writers outside vertical blank leave packets here, NMI sends them.
; ============================================================================

; Vram_QueueCopy
; Appends one packet.
; Entry: Pointer0 = 24-bit source, Scratch0/1 = word address, Scratch2/3 = size
;        in bytes. Any width.
; Exit:  carry clear when queued, set when the queue is full (nothing written).
Vram_QueueCopy:
{
    PHP
    REP #$30
    LDA.w VramQueueEnd
    CLC : ADC.b Scratch2
    CLC : ADC.w #$0004
    CMP.w #!VRAM_QUEUE_SIZE
    BCS .full

    LDX.w VramQueueEnd
    LDA.b Scratch0 : STA.w VramQueue,X
    LDA.b Scratch2 : STA.w VramQueue+2,X
    LDY.w #$0000
    SEP #$20
.copy
    LDA.b [Pointer0],Y
    STA.w VramQueue+4,X
    INX
    INY
    CPY.b Scratch2
    BCC .copy

    REP #$20
    TXA
    CLC : ADC.w #$0004
    STA.w VramQueueEnd
    PLP
    CLC
    RTL

.full
    PLP
    SEC
    RTL
}

; Vram_QueueTile: one tilemap word.
; Entry: 16-bit A = tile word, 16-bit X = word address. Keeps X, loses A and Y.
; A full queue drops the tile: the HUD draws it again on the next frame.
Vram_QueueTile:
{
    LDY.w VramQueueEnd
    CPY.w #!VRAM_QUEUE_SIZE-6
    BCS .full
    PHX
    TYX
    STA.w VramQueue+4,X
    PLA                             ; the word address, pushed as X
    STA.w VramQueue,X
    LDA.w #$0002
    STA.w VramQueue+2,X
    LDA.w VramQueue,X               ; give the caller its X back
    PHA
    TXA
    CLC : ADC.w #$0006
    STA.w VramQueueEnd
    PLX
.full
    RTL
}

; Empties the queue. Called when the screen is blanked for a room change, since
; packets for the old room would land on the new one's tiles.
Vram_QueueClear:
    REP #$20
    STZ.w VramQueueEnd
    SEP #$20
    RTL

; Sets one colour of PaletteBuffer.
; Entry: 16-bit A = colour, 16-bit X = palette index times two.
Palette_SetColor:
    STA.w PaletteBuffer,X
    SEP #$20
    LDA.b #$01
    STA.w PaletteDirty
    REP #$20
    RTL

; Palette_Darken: halves every colour of the buffer. For the moment before dawn.
Palette_Darken:
{
    PHP
    REP #$30
    LDX.w #$01FE
.loop
    LDA.w PaletteBuffer,X
    LSR A
    AND.w #$3DEF                    ; drop the bit that leaked between channels
    STA.w PaletteBuffer,X
    DEX
    DEX
    BPL .loop
    SEP #$20
    LDA.b #$01
    STA.w PaletteDirty
    PLP
    RTL
}
