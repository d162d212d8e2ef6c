; ============================================================================
; NMI: everything that must happen in vertical blank.
; The base game's handler saves the registers and then comes here by JSL.
; Budget: about 2,200 bytes of DMA for OAM, palette and the VRAM queue together.
; ============================================================================

NMI_Extended:
{
    PHP
    PHB
    PHK
    PLB
    SEP #$30
    INC.b FrameCounter

    LDA.b NmiReady                  ; main loop late: keep last frame's picture
    BEQ .late
    JSR NMI_UploadOam
    JSR NMI_UploadPalette
    JSR NMI_FlushVramQueue
    STZ.b NmiReady

.late
    LDA.b Brightness : STA.w INIDISP
    LDA.b HdmaMask   : STA.w HDMAEN
    JSL Music_SendRequests
    PLB
    PLP
    RTL
}

; Copies OamBuffer and OamHigh (544 bytes) to OAM on channel 0.
NMI_UploadOam:
{
    REP #$10
    LDX.w #$0000        : STX.w OAMADDL
    LDX.w #$0400        : STX.w DMAP0       ; one register, to $2104
    LDX.w #OamBuffer    : STX.w A1T0L
    LDA.b #$7E          : STA.w A1B0
    LDX.w #$0220        : STX.w DAS0L
    LDA.b #$01          : STA.w MDMAEN
    SEP #$10
    RTS
}

; Copies PaletteBuffer to CGRAM, but only when someone changed it: 512 bytes
; are a quarter of the blank's budget.
NMI_UploadPalette:
{
    LDA.w PaletteDirty
    BEQ .clean
    STZ.w PaletteDirty
    STZ.w CGADD
    REP #$10
    LDX.w #$2200         : STX.w DMAP0      ; one register, to $2122
    LDX.w #PaletteBuffer : STX.w A1T0L
    LDA.b #$7E           : STA.w A1B0
    LDX.w #$0200         : STX.w DAS0L
    LDA.b #$01           : STA.w MDMAEN
    SEP #$10
.clean
    RTS
}

; Sends every packet of VramQueue to VRAM and empties the queue.
; A packet is: word address (2), size in bytes (2), data (size).
NMI_FlushVramQueue:
{
    REP #$30
    LDA.w VramQueueEnd
    BEQ .empty
    SEP #$20
    LDA.b #$80 : STA.w VMAIN        ; step after the high byte
    LDA.b #$7E : STA.w A1B0
    LDX.w #$0000

.next
    LDY.w VramQueue,X   : STY.w VMADDL
    LDY.w VramQueue+2,X : STY.w DAS0L
    LDY.w #$1801        : STY.w DMAP0
    REP #$20
    TXA
    CLC : ADC.w #VramQueue+4
    STA.w A1T0L                     ; the data follows the packet's head
    TXA
    CLC : ADC.w VramQueue+2,X
    CLC : ADC.w #$0004
    TAX
    SEP #$20
    LDA.b #$01 : STA.w MDMAEN
    CPX.w VramQueueEnd
    BCC .next

    LDX.w #$0000 : STX.w VramQueueEnd
.empty
    SEP #$30
    RTS
}
