; ============================================================================
; Satchel menu. Start opens it; it owns the frame until it is closed.
; One step a frame, from Menu_Steps; a step moves on by writing MenuStep.
; ============================================================================

!MENU_OPEN_Y   = $E8      ; BG3 scroll with the menu hidden
!MENU_CELLS    = 12
!MENU_COLUMNS  = 4

; Menu_Run: called every frame while GameMode is !MODE_MENU.
Menu_Run:
{
    PHP
    %ai8()
    %own_bank()
    JSR Menu_Dispatch
    LDA.w MenuScroll
    STA.w BG3VOFS
    STZ.w BG3VOFS
    PLB
    PLP
    RTL
}

Menu_Dispatch:
    %dispatch(MenuStep, Menu_Steps)

Menu_Steps:
    dw Menu_Begin           ; 0
    dw Menu_SlideIn         ; 1
    dw Menu_Satchel         ; 2
    dw Menu_TurnPage        ; 3
    dw Menu_SlideOut        ; 4
    dw Menu_End             ; 5

; Step 0: effects off, cells drawn, cursor where it was.
Menu_Begin:
{
    JSL Hdma_Off
    JSL Vram_QueueClear
    LDA.b #!MENU_OPEN_Y : STA.w MenuScroll
    STZ.w MenuPage
    JSR MenuDraw_Cells
    JSR MenuDraw_Counters
    %sfx(!SFX_CONFIRM)
    INC.w MenuStep
    RTS
}

; Step 1: eight pixels a frame, until the scroll wraps to zero.
Menu_SlideIn:
    LDA.w MenuScroll
    CLC : ADC.b #$08
    STA.w MenuScroll
    BNE +
    INC.w MenuStep
+   RTS

; Step 2: cursor, choice, page turn, close.
Menu_Satchel:
{
    JSL Joypad_Repeat
    JSR Menu_MoveCursor
    JSR MenuDraw_Cursor
    REP #$20
    LDA.b JoyNew
    BIT.w #!JOY_START
    BNE .close
    BIT.w #!JOY_A
    BNE .choose
    BIT.w #!JOY_L|!JOY_R
    BNE .page
    SEP #$20
    RTS
.choose
    SEP #$20
    JSR Menu_ChooseItem
    RTS
.page
    SEP #$20
    LDA.b #$03 : STA.w MenuStep
    RTS
.close
    SEP #$20
    LDA.b #$04 : STA.w MenuStep
    RTS
}

; Moves MenuCursor by the directions in Scratch0 (from Joypad_Repeat) on the
; 4 by 3 grid, wrapping in the row and in the column.
Menu_MoveCursor:
{
    LDA.b Scratch1
    AND.b #$0F
    BEQ .done
    LSR A
    BCC .not_right
    LDX.b #$00
    BRA .step
.not_right
    LSR A
    BCC .not_left
    LDX.b #$01
    BRA .step
.not_left
    LSR A
    BCC .up
    LDX.b #$02
    BRA .step
.up
    LDX.b #$03
.step
    TXA
    ASL A : ASL A : ASL A : ASL A
    CLC : ADC.w MenuCursor
    TAX
    LDA.w Menu_NextCell,X
    STA.w MenuCursor
    %sfx(!SFX_CURSOR)
.done
    RTS
}

; The cell reached from each cell; 16 bytes a direction, four of them unused.
Menu_NextCell:
    db 1, 2, 3, 0,  5, 6, 7, 4,  9, 10, 11, 8,  0, 0, 0, 0   ; right
    db 3, 0, 1, 2,  7, 4, 5, 6,  11, 8, 9, 10,  0, 0, 0, 0   ; left
    db 4, 5, 6, 7,  8, 9, 10, 11,  0, 1, 2, 3,  0, 0, 0, 0   ; down
    db 8, 9, 10, 11,  0, 1, 2, 3,  4, 5, 6, 7,  0, 0, 0, 0   ; up

; Puts the cell's item on the Y button, if the keeper owns it.
Menu_ChooseItem:
{
    LDX.w MenuCursor
    LDA.w Menu_CellItem,X
    BEQ .refuse
    TAX
    LDA.l ItemFlags
    AND.w Menu_ItemMask,X
    BEQ .refuse
    STX.w ItemSelected
    %sfx(!SFX_CONFIRM)
    RTS
.refuse
    %sfx(!SFX_ERROR)
    RTS
}

; Cell -> item number, 0 = empty cell
Menu_CellItem:
    db 1, 2, 3, 4
    db 5, 0, 0, 0
    db 0, 0, 0, 0

; Item number -> its bit of ItemFlags
Menu_ItemMask:
    db $00, !ITEM_LANTERN, !ITEM_FOGHORN, !ITEM_GRAPNEL, !ITEM_OARS, !ITEM_GLASS

; Step 3: satchel -> chart -> log -> satchel. L goes the other way.
Menu_TurnPage:
{
    LDA.b JoyHeld                   ; JoyNew was last frame's: L is gone from it
    AND.b #!JOY_L
    BNE .back
    LDA.w MenuPage
    INC A
    CMP.b #$03
    BCC .store
    LDA.b #$00
    BRA .store
.back
    LDA.w MenuPage
    DEC A
    BPL .store
    LDA.b #$02
.store
    STA.w MenuPage
    JSR MenuDraw_Page
    LDA.b #$02 : STA.w MenuStep
    RTS
}

; Step 4: the way back up.
Menu_SlideOut:
    LDA.w MenuScroll
    SEC : SBC.b #$08
    STA.w MenuScroll
    CMP.b #!MENU_OPEN_Y
    BNE +
    INC.w MenuStep
+   RTS

; Step 5: give the frame back to the mode that was interrupted.
Menu_End:
    STZ.w MenuStep
    LDA.b SubMode                   ; the caller saved its mode there
    STA.b GameMode
    JSL Hdma_Setup
    RTS
