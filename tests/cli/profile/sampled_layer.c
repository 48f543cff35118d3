/* sampled_layer.c - a library whose name says that it is the table layer, and that only calls back. */
__attribute__((visibility("default"))) void through_layer(void (*work)(void));

void through_layer(void (*work)(void)) {
    work();
    __asm__ volatile(""); /* the call above is no jump: a return address stands on the stack */
}
