// The bytecode of the command line, see modules.h.
.section .rodata
.global tsrun_modules
.balign 16
tsrun_modules:
.incbin TSRUN_MODULES
.section .note.GNU-stack,"",@progbits
