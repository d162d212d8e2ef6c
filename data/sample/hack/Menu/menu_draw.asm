; ============================================================================
; Menu drawing: BG3 tiles through the VRAM queue, cursor through OAM.
; ============================================================================

!MENU_MAP = $5800         ; BG3 tilemap, word address

; Every owned item's icon, two tiles wide, in its cell.
MenuDraw_Cells:
{
    LDY.b #!MENU_CELLS-1
.cell
    LDX.w Menu_CellItem,Y
    LDA.w Menu_ItemMask,X
    STA.b Scratch0
    LDA.l ItemFlags
    AND.b Scratch0
    BEQ .empty
    TXA
.empty
    JSR MenuDraw_Icon               ; A = 0 draws the empty frame
    DEY
    BPL .cell
    RTS
}

; A = item (0-5), Y = cell. Keeps Y.
MenuDraw_Icon:
{
    PHY
    PHA
    TYA
    ASL A
    TAY
    REP #$30
    LDA.w MenuDraw_CellAddress,Y
    TAX
    PLA                             ; item in the low byte, cell above it
    PHA
    AND.w #$0007
    ASL A
    CLC : ADC.w #$2840              ; icon tiles start at $40, palette 2
    JSL Vram_QueueTile
    INX
    INC A
    JSL Vram_QueueTile
    SEP #$30
    PLA
    PLY
    RTS
}

MenuDraw_CellAddress:
    dw vram_word(6, 8, !MENU_MAP), vram_word(10, 8, !MENU_MAP)
    dw vram_word(14, 8, !MENU_MAP), vram_word(18, 8, !MENU_MAP)
    dw vram_word(6, 12, !MENU_MAP), vram_word(10, 12, !MENU_MAP)
    dw vram_word(14, 12, !MENU_MAP), vram_word(18, 12, !MENU_MAP)
    dw vram_word(6, 16, !MENU_MAP), vram_word(10, 16, !MENU_MAP)
    dw vram_word(14, 16, !MENU_MAP), vram_word(18, 16, !MENU_MAP)

; The cursor blinks at 8 frames and sits on the cell's corner.
MenuDraw_Cursor:
{
    LDA.b FrameCounter
    AND.b #$08
    BNE .hide
    LDX.w MenuCursor
    LDA.w .x,X : STA.w Oam.X
    LDA.w .y,X : STA.w Oam.Y
    LDA.b #$EE : STA.w Oam.Tile
    LDA.b #$30 : STA.w Oam.Prop
    RTS
.hide
    LDA.b #$F0 : STA.w Oam.Y
    RTS

.x
    db 44, 76, 108, 140, 44, 76, 108, 140, 44, 76, 108, 140
.y
    db 60, 60, 60, 60, 92, 92, 92, 92, 124, 124, 124, 124
}

; Coins and oil, three digits each, on the satchel's lower edge.
MenuDraw_Counters:
{
    REP #$20
    LDA.l Coins : STA.b Scratch0
    SEP #$20
    JSL Math_ToDecimal
    REP #$10
    LDX.w #vram_word(8, 21, !MENU_MAP)
    JSR MenuDraw_ThreeDigits
    REP #$20
    LDA.w LampOil : STA.b Scratch0
    SEP #$30
    JSL Math_ToDecimal
    REP #$10
    LDX.w #vram_word(16, 21, !MENU_MAP)
    JSR MenuDraw_ThreeDigits
    SEP #$10
    RTS
}

; Scratch2-4 at 16-bit X. 8-bit A, 16-bit index, both kept that way.
MenuDraw_ThreeDigits:
{
    LDA.b Scratch2
    JSR .digit
    LDA.b Scratch3
    JSR .digit
    LDA.b Scratch4
.digit
    REP #$20
    AND.w #$000F
    ORA.w #$2420
    JSL Vram_QueueTile
    INX
    SEP #$20
    RTS
}

; Queues the page's ready-made tilemap: $0180 bytes from Menu_PageMaps.
MenuDraw_Page:
{
    LDA.w MenuPage
    ASL A
    TAX
    REP #$20
    LDA.w Menu_PageMaps,X
    STA.b Pointer0
    LDA.w #!MENU_MAP+$00E0 : STA.b Scratch0
    LDA.w #$0040           : STA.b Scratch2
    SEP #$20
    PHK
    PLA
    STA.b Pointer0+2
    JSL Vram_QueueCopy
    RTS
}

Menu_PageMaps:
    dw .satchel, .chart, .log
; one row of tiles each: the page's title and its frame
.satchel
    fillword $2800 : fill 10
    dw $2833, $2821, $2834, $2823, $2828, $2825, $282C
    fillword $2800 : fill 40
.chart
    fillword $2800 : fill 10
    dw $2823, $2828, $2821, $2832, $2834
    fillword $2800 : fill 44
.log
    fillword $2800 : fill 10
    dw $282C, $282F, $2827
    fillword $2800 : fill 48
