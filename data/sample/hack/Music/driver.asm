; ============================================================================
; Sound: uploading the driver to the SPC700 and sending it requests.
; ============================================================================

!SPC_DRIVER = $0400       ; where the driver runs in audio RAM

; Music_UploadDriver
; The boot ROM's protocol: $AA/$BB on ports 0/1, then a block at an address,
; one byte a handshake. Blocks with interrupts and NMI off only.
Music_UploadDriver:
{
    PHP
    PHB
    PHK
    PLB
    REP #$10
    SEP #$20
    LDX.w #$BBAA
.boot
    CPX.w APUIO0
    BNE .boot

    LDX.w #!SPC_DRIVER : STX.w APUIO2
    LDA.b #$01 : STA.w APUIO1       ; not zero: a data block follows
    LDA.b #$CC : STA.w APUIO0
.accepted
    CMP.w APUIO0
    BNE .accepted

    LDX.w #$0000
.byte
    LDA.w SpcDriver,X
    STA.w APUIO1
    TXA
    STA.w APUIO0                    ; the low byte counts the transfer
.echo
    CMP.w APUIO0
    BNE .echo
    INX
    CPX.w #SpcDriver_End-SpcDriver
    BCC .byte

    LDX.w #!SPC_DRIVER : STX.w APUIO2
    STZ.w APUIO1                    ; zero: jump to the address
    TXA
    INC A : INC A
    STA.w APUIO0
    PLB
    PLP
    RTL
}

; Music_SendRequests: from NMI. A request is sent once and then cleared.
Music_SendRequests:
{
    LDA.w SfxRequest
    STA.w APUIO1
    STZ.w SfxRequest
    LDA.w MusicRequest
    BEQ .none
    CMP.w MusicCurrent
    BEQ .same
    CMP.b #!SONG_STOP
    BCS .command
    STA.w MusicCurrent
.command
    STA.w APUIO0
.same
    STZ.w MusicRequest
.none
    RTL
}

; Music_ForHour: the overworld song for the time of night. A is lost.
Music_ForHour:
{
    LDA.w NightHour
    CMP.b #$21
    BCS .night
    %music(!SONG_HARBOR)
    RTL
.night
    %music(!SONG_NIGHT)
    RTL
}

; Music_FadeStep: lowers MusicVolume by 4; carry set when silent.
Music_FadeStep:
    LDA.w MusicVolume
    SEC : SBC.b #$04
    BCS +
    LDA.b #$00
+   STA.w MusicVolume
    LDA.b #$00
    CMP.w MusicVolume               ; 0 >= volume only at silence
    RTL

; The smallest driver that answers: clears the key-off register and echoes
; port 0. Assembled for the SPC700 at !SPC_DRIVER.
SpcDriver:
arch spc700
base !SPC_DRIVER
    mov $F2, #$5C                   ; KOFF
    mov $F3, #$00
.loop
    mov a, $F4
    mov $F4, a
    bra .loop
base off
arch 65816
SpcDriver_End:
