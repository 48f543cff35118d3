/* samples_unwind.c - walks stacks by what compilers leave for exceptions (.eh_frame), as libdw reads it.
 *
 * What libdw says of a place is kept, as a rule of a few numbers that holds for the file in all processes: walking on
 * by libdw itself (dwfl_thread_getframes) reads it anew for each process and frame, which is too much at a hundred
 * samples a second. Rules are DWARF's (version 5, section 6.4; System V ABI for AMD64, 3.7). What is no simple rule
 * is asked each time, and worked out by a machine that knows the operations that occur there.
 */
#include "cli/samples/samples_unwind.h"

#include "cli/common/failure.h"
#include "cli/samples/debug_library.h"

#if MSIO_LIBDW

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define RULES 32768u /* power of two; a rule takes the place of another's */
#define DEPTH_OF_MACHINE 16
#define OPERATIONS_MOST 64

/* Where a value of the caller is found. */
enum { SAME, UNDEFINED, AT_CFA, CFA_IS, AT_REGISTER, REGISTER_IS, ASK };

typedef struct rule_value {
    uint8_t how, reg;
    int32_t offset;
} rule_value;

/* What calls keep, and the place to return to. RSP is the CFA. */
static const uint8_t kept[] = {3, 6, 12, 13, 14, 15, UNWIND_PLACE};
#define KEPT (sizeof kept / sizeof kept[0])

typedef struct rule {
    uint64_t address; /* in the file's own numbering */
    int file;         /* + 1; 0: none here */
    bool blind, signal;
    rule_value cfa, value[KEPT];
} rule;

typedef struct file_frames {
    bool looked;
    Elf *elf;
    Dwarf_CFI *cfi;
} file_frames;

struct unwinder {
    const debug_library *dw;
    code *all;
    file_frames *file;
    rule *rule;
};

/* The state while frames are walked. */
typedef struct walk {
    const unwind_thread *thread;
    uint64_t reg[UNWIND_REGISTERS];
    uint32_t known; /* a bit for each of reg */
    uint64_t cfa;
} walk;

unwinder *unwinder_new(code *all) {
    const debug_library *dw = debug_library_get();
    if (!dw) return NULL;
    unwinder *u = cli_alloc(sizeof *u);
    *u = (unwinder){dw, all, cli_zeros(CODE_FILES_MOST, sizeof *u->file), cli_zeros(RULES, sizeof *u->rule)};
    return u;
}

void unwinder_free(unwinder *u) {
    if (!u) return;
    for (int i = 0; i < CODE_FILES_MOST; i++) {
        if (u->file[i].cfi) u->dw->dwarf_cfi_end(u->file[i].cfi);
        if (u->file[i].elf) u->dw->elf_end(u->file[i].elf);
    }
    free(u->file);
    free(u->rule);
    free(u);
}

/* ---------------------------------------------------------------- files */

/* The kernel's own piece of code that all processes have: ours is the same one. */
static Elf *open_vdso(const unwinder *u) {
    const Elf64_Ehdr *image = (const Elf64_Ehdr *)getauxval(AT_SYSINFO_EHDR); // NOLINT
    if (!image) return NULL;
    size_t bytes = image->e_shoff + (size_t)image->e_shentsize * image->e_shnum;
    return u->dw->elf_memory((char *)(uintptr_t)image, bytes);
}

/* The descriptor is closed once what is needed was read: there may be more libraries than descriptors. */
static void look_into(const unwinder *u, file_frames *f, const code_file *of) {
    f->looked = true;
    int fd = -1;
    if (strcmp(of->path, "[vdso]") == 0) {
        f->elf = open_vdso(u);
    } else {
        fd = code_open(of->path);
        f->elf = fd >= 0 ? u->dw->elf_begin(fd, ELF_C_READ, NULL) : NULL;
    }
    if (f->elf) {
        GElf_Phdr part; /* they are read when the first one is asked for */
        u->dw->gelf_getphdr(f->elf, 0, &part);
        f->cfi = u->dw->dwarf_getcfi_elf(f->elf);
        if (fd >= 0) u->dw->elf_cntl(f->elf, ELF_C_FDDONE);
    }
    if (fd >= 0) close(fd);
}

/* ---------------------------------------------------------------- values */

static bool read_word(const walk *w, uint64_t address, uint64_t *word) {
    uint64_t at = address - w->thread->reg[UNWIND_RSP];
    if (address < w->thread->reg[UNWIND_RSP] || at > w->thread->bytes || w->thread->bytes - at < 8) return false;
    memcpy(word, w->thread->stack + at, 8);
    return true;
}

static bool read_register(const walk *w, uint64_t reg, uint64_t *word) {
    if (reg >= UNWIND_REGISTERS || !(w->known >> reg & 1)) return false;
    *word = w->reg[reg];
    return true;
}

/* One operation of DWARF's machine on its stack of n values. Returns how many there are then; -1: it cannot be done. */
static int operate(const walk *w, const Dwarf_Op *op, uint64_t *stack, int n) {
    uint64_t *top = stack + n - 1, word;
    uint8_t atom = op->atom;
    if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31) {
        if (!read_register(w, atom - DW_OP_breg0, &word)) return -1;
        stack[n] = word + op->number;
        return n + 1;
    }
    if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31) {
        stack[n] = (uint64_t)(atom - DW_OP_lit0);
        return n + 1;
    }
    switch (atom) {
    case DW_OP_bregx:
        if (!read_register(w, op->number, &word)) return -1;
        stack[n] = word + op->number2;
        return n + 1;
    case DW_OP_call_frame_cfa: stack[n] = w->cfa; return n + 1;
    case DW_OP_const1u:
    case DW_OP_const1s:
    case DW_OP_const2u:
    case DW_OP_const2s:
    case DW_OP_const4u:
    case DW_OP_const4s:
    case DW_OP_const8u:
    case DW_OP_const8s:
    case DW_OP_constu:
    case DW_OP_consts: stack[n] = op->number; return n + 1;
    case DW_OP_nop:
    case DW_OP_stack_value: return n;
    default: break;
    }
    if (n < 1) return -1;
    switch (atom) {
    case DW_OP_dup: stack[n] = *top; return n + 1;
    case DW_OP_drop: return n - 1;
    case DW_OP_deref: return read_word(w, *top, top) ? n : -1;
    case DW_OP_plus_uconst: *top += op->number; return n;
    case DW_OP_neg: *top = -*top; return n;
    default: break;
    }
    if (n < 2) return -1;
    switch (atom) {
    case DW_OP_plus: top[-1] += top[0]; return n - 1;
    case DW_OP_minus: top[-1] -= top[0]; return n - 1;
    case DW_OP_and: top[-1] &= top[0]; return n - 1;
    case DW_OP_or: top[-1] |= top[0]; return n - 1;
    case DW_OP_mul: top[-1] *= top[0]; return n - 1;
    case DW_OP_shl: top[-1] = top[0] < 64 ? top[-1] << top[0] : 0; return n - 1;
    case DW_OP_shr: top[-1] = top[0] < 64 ? top[-1] >> top[0] : 0; return n - 1;
    case DW_OP_ge: top[-1] = (int64_t)top[-1] >= (int64_t)top[0]; return n - 1;
    case DW_OP_gt: top[-1] = (int64_t)top[-1] > (int64_t)top[0]; return n - 1;
    case DW_OP_le: top[-1] = (int64_t)top[-1] <= (int64_t)top[0]; return n - 1;
    case DW_OP_lt: top[-1] = (int64_t)top[-1] < (int64_t)top[0]; return n - 1;
    case DW_OP_eq: top[-1] = top[-1] == top[0]; return n - 1;
    case DW_OP_ne: top[-1] = top[-1] != top[0]; return n - 1;
    default: return -1;
    }
}

/* What an expression comes to; with_cfa: the CFA stands on the stack as it begins. */
static bool work_out(const walk *w, const Dwarf_Op *ops, size_t n, bool with_cfa, uint64_t *value) {
    uint64_t stack[DEPTH_OF_MACHINE + 1];
    int depth = 0;
    if (n > OPERATIONS_MOST) return false;
    if (with_cfa) stack[depth++] = w->cfa;
    for (size_t i = 0; i < n && depth >= 0 && depth <= DEPTH_OF_MACHINE - 1; i++)
        depth = operate(w, &ops[i], stack, depth);
    if (depth < 1 || depth > DEPTH_OF_MACHINE) return false;
    *value = stack[depth - 1];
    return true;
}

static bool is_small(uint64_t number) { return (uint64_t)((int64_t)number + INT32_MAX) <= 2ull * INT32_MAX; }

/* Register and offset of a lone operation that adds them. */
static bool is_sum(const Dwarf_Op *op, rule_value *value, uint8_t how) {
    uint64_t reg = op->atom == DW_OP_bregx ? op->number : (uint64_t)op->atom - DW_OP_breg0;
    uint64_t offset = op->atom == DW_OP_bregx ? op->number2 : op->number;
    bool sum = op->atom == DW_OP_bregx || (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31);
    if (!sum || reg >= UNWIND_REGISTERS || !is_small(offset)) return false;
    *value = (rule_value){how, (uint8_t)reg, (int32_t)(int64_t)offset};
    return true;
}

static rule_value rule_of_cfa(const Dwarf_Op *ops, size_t n) {
    rule_value value = {ASK, 0, 0};
    if (n == 1 && is_sum(ops, &value, REGISTER_IS)) return value;
    if (n == 2 && ops[1].atom == DW_OP_deref && is_sum(ops, &value, AT_REGISTER)) return value;
    return (rule_value){ASK, 0, 0};
}

/* As dwarf_frame_register tells it. */
static rule_value rule_of_register(const Dwarf_Op *ops, size_t n) {
    rule_value value = {ASK, 0, 0};
    if (n == 0) return (rule_value){ops ? UNDEFINED : SAME, 0, 0};
    bool is = n > 1 && ops[n - 1].atom == DW_OP_stack_value;
    if (is) n--;
    if (ops[0].atom == DW_OP_call_frame_cfa && n <= 2) {
        if (n == 1) return (rule_value){is ? CFA_IS : AT_CFA, 0, 0};
        if (ops[1].atom == DW_OP_plus_uconst && is_small(ops[1].number))
            return (rule_value){is ? CFA_IS : AT_CFA, 0, (int32_t)(int64_t)ops[1].number};
    }
    if (n == 1 && is_sum(ops, &value, is ? REGISTER_IS : AT_REGISTER)) return value;
    if (n == 1 && ops[0].atom >= DW_OP_reg0 && ops[0].atom <= DW_OP_reg16)
        return (rule_value){REGISTER_IS, (uint8_t)(ops[0].atom - DW_OP_reg0), 0};
    if (n == 1 && ops[0].atom == DW_OP_regx && ops[0].number < UNWIND_REGISTERS)
        return (rule_value){REGISTER_IS, (uint8_t)ops[0].number, 0};
    return (rule_value){ASK, 0, 0};
}

/* ---------------------------------------------------------------- rules */

static rule make_rule(const unwinder *u, int file, uint64_t address) {
    rule r = {.file = file + 1, .address = address, .blind = true};
    Dwarf_Frame *frame = NULL;
    Dwarf_Op *ops, mem[3];
    size_t n;
    if (!u->file[file].cfi || u->dw->dwarf_cfi_addrframe(u->file[file].cfi, address, &frame)) return r;
    r.blind = u->dw->dwarf_frame_info(frame, NULL, NULL, &r.signal) != UNWIND_PLACE;
    if (u->dw->dwarf_frame_cfa(frame, &ops, &n) || n == 0)
        r.blind = true;
    else
        r.cfa = rule_of_cfa(ops, n);
    for (size_t i = 0; i < KEPT && !r.blind; i++) {
        if (u->dw->dwarf_frame_register(frame, kept[i], mem, &ops, &n))
            r.blind = true;
        else
            r.value[i] = rule_of_register(ops, n);
    }
    free(frame);
    return r;
}

static const rule *rule_at(const unwinder *u, int file, uint64_t address) {
    uint64_t hash = (address + ((uint64_t)file << 40)) * 0x9e3779b97f4a7c15u;
    rule *r = &u->rule[hash >> 49];
    _Static_assert(RULES == 1u << 15, "the hash's upper bits are the place");
    if (r->file != file + 1 || r->address != address) *r = make_rule(u, file, address);
    return r;
}

/* What is no simple rule, from libdw each time; reg -1: the CFA. */
static bool ask(const unwinder *u, const rule *r, const walk *w, int reg, uint64_t *value) {
    Dwarf_Frame *frame = NULL;
    Dwarf_Op *ops, mem[3];
    size_t n = 0;
    if (u->dw->dwarf_cfi_addrframe(u->file[r->file - 1].cfi, r->address, &frame)) return false;
    bool told = (reg < 0 ? u->dw->dwarf_frame_cfa(frame, &ops, &n)
                         : u->dw->dwarf_frame_register(frame, reg, mem, &ops, &n)) == 0 &&
                n > 0;
    bool is = told && (reg < 0 || ops[n - 1].atom == DW_OP_stack_value);
    told = told && work_out(w, ops, n, reg >= 0, value) && (is || read_word(w, *value, value));
    free(frame);
    return told;
}

static bool value_of(const unwinder *u, const rule *r, const walk *w, rule_value v, int reg, uint64_t *value) {
    uint64_t base = w->cfa;
    if (v.how == ASK) return ask(u, r, w, reg, value);
    if (v.how == SAME) return read_register(w, (uint64_t)reg, value);
    if (v.how == UNDEFINED) return false;
    if ((v.how == AT_REGISTER || v.how == REGISTER_IS) && !read_register(w, v.reg, &base)) return false;
    base += (uint64_t)(int64_t)v.offset;
    if (v.how == AT_CFA || v.how == AT_REGISTER) return read_word(w, base, value);
    *value = base;
    return true;
}

/* ---------------------------------------------------------------- walking */

typedef enum step_end { STEP_ON, STEP_WHOLE, STEP_CUT, STEP_BLIND } step_end;

/* From a frame to its caller. */
static step_end step(const unwinder *u, walk *w, const rule *r) {
    walk caller = {.thread = w->thread};
    if (r->blind) return STEP_BLIND;
    if (!value_of(u, r, w, r->cfa, -1, &w->cfa)) return STEP_CUT;
    for (size_t i = 0; i < KEPT; i++) {
        uint8_t reg = kept[i];
        if (reg == UNWIND_PLACE && r->value[i].how == UNDEFINED) return STEP_WHOLE;
        if (value_of(u, r, w, r->value[i], reg, &caller.reg[reg])) caller.known |= 1u << reg;
    }
    if (!(caller.known >> UNWIND_PLACE & 1)) return STEP_CUT;
    if (caller.reg[UNWIND_PLACE] == 0) return STEP_WHOLE;
    if (!r->signal && w->known >> UNWIND_RSP & 1 && w->cfa <= w->reg[UNWIND_RSP]) return STEP_BLIND; /* no way up */
    caller.reg[UNWIND_RSP] = w->cfa;
    caller.known |= 1u << UNWIND_RSP;
    *w = caller;
    return STEP_ON;
}

int unwind(unwinder *u, const unwind_thread *thread, code_place *list, int most, unwind_end *end) {
    walk w = {.thread = thread, .known = (1u << UNWIND_REGISTERS) - 1};
    memcpy(w.reg, thread->reg, sizeof w.reg);
    step_end how = STEP_ON;
    bool exact = true; /* the place itself, not the one that a call returns to */
    int n = 0;
    while (how == STEP_ON && n < most) {
        code_place at = code_at(u->all, thread->pid, w.reg[UNWIND_PLACE] - (exact ? 0 : 1));
        file_frames *f = at.file >= 0 ? &u->file[at.file] : NULL;
        uint64_t address;
        if (!f && n) { /* no caller can be there: the walk went astray, or code was made as the program ran */
            how = STEP_BLIND;
            break;
        }
        list[n++] = at;
        if (f && !f->looked) look_into(u, f, code_file_at(u->all, at.file));
        if (!f || !f->elf || !debug_library_address(u->dw, f->elf, at.offset, &address)) {
            how = STEP_BLIND;
            break;
        }
        const rule *r = rule_at(u, at.file, address);
        exact = r->signal;
        how = step(u, &w, r);
    }
    *end = how == STEP_WHOLE ? UNWIND_WHOLE : how == STEP_BLIND ? UNWIND_BLIND : UNWIND_CUT;
    return n;
}

#else

unwinder *unwinder_new(code *all) {
    (void)all;
    return NULL;
}
void unwinder_free(unwinder *u) { (void)u; }
int unwind(unwinder *u, const unwind_thread *thread, code_place *list, int most, unwind_end *end) {
    (void)u;
    (void)thread;
    (void)list;
    (void)most;
    *end = UNWIND_BLIND;
    return 0;
}

#endif
