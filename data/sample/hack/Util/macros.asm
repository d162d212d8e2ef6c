; ============================================================================
; Macros shared by all modules.
; Width macros are named for the state they leave behind, not for the opcode.
; ============================================================================

; 8-bit accumulator
macro a8()
    SEP #$20
endmacro

; 16-bit accumulator
macro a16()
    REP #$20
endmacro

; 8-bit index registers
macro i8()
    SEP #$10
endmacro

; 16-bit index registers
macro i16()
    REP #$10
endmacro

; Everything 8-bit: the state every public routine expects on entry.
macro ai8()
    SEP #$30
endmacro

; Everything 16-bit
macro ai16()
    REP #$30
endmacro

; Set the data bank to the program bank. Pair with PLB before returning.
macro own_bank()
    PHB : PHK : PLB
endmacro

; Ask the sound driver for an effect. Needs 8-bit A; A is lost.
macro sfx(id)
    LDA.b #<id>
    STA.w SfxRequest
endmacro

; Ask the sound driver for a song. Needs 8-bit A; A is lost.
macro music(id)
    LDA.b #<id>
    STA.w MusicRequest
endmacro

; Set bits of a byte anywhere in memory. Needs 8-bit A.
macro set_flag(address, mask)
    LDA.l <address>
    ORA.b #<mask>
    STA.l <address>
endmacro

; Clear bits of a byte anywhere in memory. Needs 8-bit A.
macro clear_flag(address, mask)
    LDA.l <address>
    AND.b #(<mask>^$FF)
    STA.l <address>
endmacro

; Branch when any bit of the mask is set.
macro branch_if_flag(address, mask, target)
    LDA.l <address>
    AND.b #<mask>
    BNE <target>
endmacro

; Run the routine that an 8-bit variable selects from a table of words, then
; return to the caller of the routine that used this macro.
macro dispatch(variable, table)
    LDA.w <variable>
    ASL A
    TAX
    JMP.w (<table>,X)
endmacro

; One general-purpose DMA transfer to VRAM on the given channel.
; Needs 8-bit A and 16-bit X. `source` is a 24-bit address.
macro dma_vram(channel, source, word_address, size)
    LDX.w #<word_address>
    STX.w VMADDL
    LDX.w #$1801                    ; two registers, to $2118
    STX.w DMAP0+(<channel>*$10)
    LDX.w #<source>
    STX.w A1T0L+(<channel>*$10)
    LDA.b #bank(<source>)
    STA.w A1B0+(<channel>*$10)
    LDX.w #<size>
    STX.w DAS0L+(<channel>*$10)
    LDA.b #bit(<channel>)
    STA.w MDMAEN
endmacro

; One row of SpriteTable: health, flags, drop chance (of 256), update routine.
macro sprite_row(health, flags, drop, update)
    db <health>, <flags>
    db <drop>, $00
    dw <update>
endmacro

; Message text: a label-free line, closed by a line feed.
macro line(text)
    db "<text>", $FE
endmacro

; Wait for `count` frames without touching the joypad. A is lost.
macro wait_frames(count)
    LDA.b #<count>
    STA.b Scratch0
?wait:
    JSL Frame_WaitForNmi
    DEC.b Scratch0
    BNE ?wait
endmacro
