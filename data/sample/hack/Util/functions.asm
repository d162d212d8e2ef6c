; Functions usable in any expression.

function bit(n)      = (1<<n)
function rgb(r,g,b)  = (r)|((g)<<5)|((b)<<10)      ; 15-bit SNES colour, 0-31 each
function vram_word(x,y,base) = base+((y)*32)+(x)   ; word address in a 32x32 tilemap
