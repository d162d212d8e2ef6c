; Message texts. ASCII is the tile order of the message font, so `db "..."`
; needs no table. A message ends with $FF; $FC waits inside a message.

MessagePointers:
    dw Text_Sworn           ; $00
    dw Text_NorthLit        ; $01
    dw Text_OilLow          ; $02
    dw Text_FogLifted       ; $03
    dw Text_FerryAsk        ; $04
    dw Text_FerryPaid       ; $05
    dw Text_FerryPoor       ; $06
    dw Text_FerryDone       ; $07
    dw Text_Sluice          ; $08
    dw Text_BellSilent      ; $09
    dw Text_LogFound        ; $0A
    dw Text_Lens            ; $0B

Text_Sworn:
    %line("The ledger lies open.")
    %line("Sign, and the light is")
    db "yours to keep, ", $FD, ".", $FF

Text_NorthLit:
    %line("The north beacon burns!")
    db "A horn answers at sea.", $FF

Text_OilLow:
    db "The wick sputters.", $FF

Text_FogLifted:
    %line("The fog draws back like")
    db "a tide. The reef shows.", $FF

Text_FerryAsk:
    %line("Twenty coins for oars,")
    %line("keeper, and I row no one")
    db "after dark.", $FC
    db "Come back with silver.", $FF

Text_FerryPaid:
    %line("Mind the slack water.")
    db "It never stays slack.", $FF

Text_FerryPoor:
    db "That is not twenty.", $FF

Text_FerryDone:
    %line("You have my oars. Bring")
    db "them back dry.", $FF

Text_Sluice:
    %line("A wheel, stiff with salt.")
    db "It turns at low water.", $FF

Text_BellSilent:
    %line("The bell hangs still.")
    db "The drowned may sleep.", $FF

Text_LogFound:
    db "A page of the old log!", $FF

Text_Lens:
    %line("The great lens is whole.")
    db "Light it, ", $FD, ".", $FF
