; Debug keys, assembled only with !DEBUG = 1. L+R with:
;   up    flood tide          down  low water
;   A     fill the oil can    X     own every item
Debug_Update:
{
    REP #$20
    LDA.b JoyHeld
    AND.w #!JOY_L|!JOY_R
    CMP.w #!JOY_L|!JOY_R
    BNE .out
    LDA.b JoyNew
    BIT.w #!JOY_UP
    BEQ +
    SEP #$20
    LDA.b #!TIDE_HIGH : STA.w TideLevel
    REP #$20
    LDA.b JoyNew
+   BIT.w #!JOY_DOWN
    BEQ +
    SEP #$20
    STZ.w TideLevel
    REP #$20
    LDA.b JoyNew
+   BIT.w #!JOY_A
    BEQ +
    LDA.l OilMax : STA.w LampOil
+   LDA.b JoyNew
    BIT.w #!JOY_X
    BEQ .out
    SEP #$20
    %set_flag(ItemFlags, $1F)
.out
    SEP #$20
    RTL
}
