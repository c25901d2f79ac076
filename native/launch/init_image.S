// Launch: the bytes of tsrun-init inside the addon; TSRUN_INIT_PATH comes from CMakeLists.txt.
  .section .rodata
  .balign 4096
  .globl tsrun_init_begin
  .hidden tsrun_init_begin
tsrun_init_begin:
  .incbin TSRUN_INIT_PATH
  .globl tsrun_init_end
  .hidden tsrun_init_end
tsrun_init_end:
  .section .note.GNU-stack, "", %progbits
