; ============================================================================
; Tide
; The sea rises and falls between !TIDE_LOW and !TIDE_HIGH. One full cycle is
; 2 * 128 steps of !TIDE_STEP frames and two slack waters: three minutes and
; three quarters. Rooms and areas read TideLevel; only this file writes it.
; ============================================================================

namespace Tide

!TIDE_SLACK = 600         ; frames the water stands still

; Low water, about to rise. Called at boot and after the rowboat sinks.
Reset:
    LDA.b #!TIDE_LOW : STA.w TideLevel
    STZ.w TidePhase
    REP #$20
    LDA.w #!TIDE_STEP : STA.w TideTimer
    SEP #$20
    RTL

; Tide_Update
; Once a frame, overworld and dungeon. Runs the phase when the timer is out.
; Entry: 8-bit A, X, Y. Loses A and X.
Update:
{
    REP #$20
    DEC.w TideTimer
    BNE .wait
    LDA.w #!TIDE_STEP : STA.w TideTimer
    SEP #$20
    JSR RunPhase
.wait
    SEP #$20
    RTL
}

RunPhase:
    LDA.w TidePhase
    AND.b #$03
    ASL A
    TAX
    JMP.w (Phases,X)

Phases:
    dw Rise
    dw TurnToFall
    dw Fall
    dw TurnToRise

; Phase 0: one step up; at the top the water stands.
Rise:
    INC.w TideLevel
    LDA.w TideLevel
    CMP.b #!TIDE_HIGH
    BCC +
    JSR StartSlack
+   RTS

; Phase 2: one step down; at the bottom the water stands.
Fall:
    DEC.w TideLevel
    LDA.w TideLevel
    BNE +
    JSR StartSlack
+   RTS

TurnToFall:
    LDA.b #$02 : STA.w TidePhase
    RTS

TurnToRise:
    STZ.w TidePhase
    RTS

; Enters the slack phase that follows the current one.
StartSlack:
    INC.w TidePhase
    REP #$20
    LDA.w #!TIDE_SLACK : STA.w TideTimer
    SEP #$20
    RTS

; Tide_IsAbove: carry set when TideLevel >= A.
; Used by gates and by the shore crab, which comes out at ebb only.
IsAbove:
    STA.b Scratch0
    LDA.w TideLevel
    CMP.b Scratch0
    RTL

; Tide_ToPixels: 16-bit A = how far the water has risen, 0 to 64 pixels.
ToPixels:
    REP #$20
    LDA.w TideLevel
    AND.w #$00FF
    LSR A                           ; two steps a pixel
    RTL

namespace off
