; ============================================================================
; Boot
; ============================================================================

; Init_Hack
; First new code to run: called once from the reset hook, before the title.
; Entry: 8-bit A, X, Y; forced blank; interrupts off.
; Leaves all new RAM clear and the random seed set.
Init_Hack:
{
    PHP
    %ai8()
    %own_bank()

    LDA.b #$01 : STA.w MEMSEL       ; the new banks are FastROM
    JSR Init_ClearRam
    JSR Init_Windows
    JSL Rng_Seed
    JSL Tide_Reset
    JSL Music_UploadDriver

    PLB
    PLP
    RTL
}

; Clears the hack's block of work RAM, $7E0F00-$7E16FF, with a fixed-source DMA.
Init_ClearRam:
{
    PHP
    SEP #$20
    REP #$10
    LDX.w #$0F00 : STX.w $2181      ; WMADD
    LDA.b #$7E   : STA.w $2183
    LDX.w #$8008 : STX.w DMAP0      ; fixed source, one register, to $2180
    LDX.w #.zero : STX.w A1T0L
    LDA.b #bank(.zero) : STA.w A1B0
    LDX.w #$0800 : STX.w DAS0L
    LDA.b #$01   : STA.w MDMAEN
    PLP
    RTS

.zero
    db $00
}

; The lamp's beam is window 1 on the colour layer; nothing else uses windows.
Init_Windows:
    STZ.w W12SEL
    LDA.b #$20 : STA.w WOBJSEL      ; window 1, inside, for colour
    LDA.b #$10 : STA.w CGWSEL       ; colour math inside the window only
    LDA.b #$37 : STA.w CGADSUB      ; add; BG1-3, sprites, backdrop
    LDA.b #$E0 : STA.w COLDATA      ; black until the lamp burns
    RTS

; Waits until NMI has run once. Used by fades, which have no main loop.
Frame_WaitForNmi:
    PHA
    LDA.b FrameCounter
.wait
    CMP.b FrameCounter
    BEQ .wait
    PLA
    RTL

; Fades the screen to black over 15 frames.
; Keeps X and Y, loses A.
Frame_FadeOut:
{
    LDA.b Brightness
    AND.b #$0F
    BEQ .done
.loop
    JSL Frame_WaitForNmi
    DEC.b Brightness
    LDA.b Brightness
    AND.b #$0F
    BNE .loop
.done
    LDA.b #$80 : STA.b Brightness   ; forced blank
    RTL
}

; Frame_FadeIn: back to full brightness, one step every second frame.
Frame_FadeIn:
{
    STZ.b Brightness
.loop
    JSL Frame_WaitForNmi
    JSL Frame_WaitForNmi
    INC.b Brightness
    LDA.b Brightness
    CMP.b #$0F
    BCC .loop
    RTL
}
