// chain_toml.cc - the steps of a chain from TOML, by toml++. No exception leaves this file.
extern "C" {
#include "cli/chain/chain_config.h"
#include "cli/common/failure.h"
#include "cli/common/json.h"
}

#include <stdexcept>

// Its parser guards itself with assertions, which would end the process ("[[[" is enough), or, without them, be taken
// for true by the compiler: here they are exceptions, in every build.
[[noreturn]] static void out_of_place() { throw std::runtime_error("a key or a value is out of place"); }
#undef NDEBUG
#define TOML_ASSERT(condition) (static_cast<bool>(condition) ? static_cast<void>(0) : out_of_place())
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <cmath>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

constexpr int DEPTH_MOST = 8;       // of values within values of a task's arguments
constexpr size_t WORDS_MOST = 1000; // of a program

__attribute__((format(printf, 3, 4))) bool wrong(chain_fault *fault, const toml::source_region &where,
                                                 const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fault->line = static_cast<int>(where.begin.line);
    vsnprintf(fault->message, sizeof fault->message, format, arguments);
    va_end(arguments);
    return false;
}

std::string shown(std::string_view text) {
    std::string plain(text.substr(0, 60));
    for (char &c : plain)
        if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
    return plain;
}

// The text of a value: not empty, and without a NUL, which a program could not be given.
bool text_of(const toml::node &node, const char *what, char **text, chain_fault *fault) {
    const auto *value = node.as_string();
    if (!value) return wrong(fault, node.source(), "%s is to be a string", what);
    const std::string &found = value->get();
    if (found.empty()) return wrong(fault, node.source(), "%s is empty", what);
    if (found.find('\0') != std::string::npos) return wrong(fault, node.source(), "%s has a NUL in it", what);
    *text = cli_copy(found.c_str());
    return true;
}

bool is_name(const char *text, bool of_task) {
    size_t length = strlen(text);
    const char *rest = of_task ? "_" : "._-";
    if (length > 40 || text[0] == '.' || (of_task && text[0] >= '0' && text[0] <= '9')) return false;
    for (const char *c = text; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr(rest, *c)))
            return false;
    return true;
}

bool put_value(cli_json *json, const toml::node &node, int depth, chain_fault *fault);

bool put_table(cli_json *json, const toml::table &table, int depth, chain_fault *fault) {
    cli_json_flat_object(json);
    for (const auto &[key, value] : table) {
        std::string_view name = key;
        if (name.find('\0') != name.npos) return wrong(fault, value.source(), "an argument's name has a NUL in it");
        cli_json_key(json, std::string(name).c_str());
        if (!put_value(json, value, depth + 1, fault)) return false;
    }
    cli_json_end(json);
    return true;
}

// A value as JSON; infinities, dates and what is nested too deep are refused.
bool put_value(cli_json *json, const toml::node &node, int depth, chain_fault *fault) {
    if (depth > DEPTH_MOST) return wrong(fault, node.source(), "values are nested more than %d deep", DEPTH_MOST);
    if (const auto *table = node.as_table()) return put_table(json, *table, depth, fault);
    if (const auto *list = node.as_array()) {
        cli_json_array(json);
        for (const auto &value : *list)
            if (!put_value(json, value, depth + 1, fault)) return false;
        cli_json_end(json);
        return true;
    }
    if (const auto *text = node.as_string())
        cli_json_bytes(json, text->get().data(), text->get().size());
    else if (const auto *whole = node.as_integer())
        cli_json_int(json, whole->get());
    else if (const auto *truth = node.as_boolean())
        cli_json_bool(json, truth->get());
    else if (const auto *number = node.as_floating_point(); number && std::isfinite(number->get()))
        cli_json_double(json, number->get());
    else
        return wrong(fault, node.source(), "an argument is a date, a time, or no finite number: text can be given");
    return true;
}

bool read_arguments(const toml::node &node, chain_step *step, chain_fault *fault) {
    const auto *table = node.as_table();
    if (!table) return wrong(fault, node.source(), "arguments are to be a table: [calibration.arguments], or { ... }");
    size_t length = 0;
    FILE *out = open_memstream(&step->arguments, &length);
    if (!out) return wrong(fault, node.source(), "there is no memory");
    cli_json json = {};
    json.out = out;
    bool good = put_table(&json, *table, 0, fault);
    fclose(out);
    return good;
}

bool read_argv(const toml::node &node, chain_step *step, chain_fault *fault) {
    const auto *list = node.as_array();
    if (!list || list->empty() || list->size() > WORDS_MOST)
        return wrong(fault, node.source(), "argv is to be a list of 1 to %zu strings", WORDS_MOST);
    step->argv = static_cast<char **>(cli_alloc_many(list->size() + 1, sizeof(char *)));
    memset(step->argv, 0, (list->size() + 1) * sizeof(char *));
    for (size_t i = 0; i < list->size(); i++) {
        const auto *word = (*list)[i].as_string();
        if (i && word && word->get().empty())
            step->argv[i] = cli_copy("");
        else if (!text_of((*list)[i], "a word of argv", &step->argv[i], fault))
            return false;
    }
    return true;
}

bool read_key(std::string_view key, const toml::node &value, chain_step *step, chain_fault *fault) {
    if (key == "name") {
        if (!text_of(value, "name", &step->name, fault)) return false;
        return is_name(step->name, false) ||
               wrong(fault, value.source(),
                     "a step's name is of letters, digits, '.', '_' and '-', 40 at most, and begins with no '.'");
    }
    if (key == "task") {
        if (!text_of(value, "task", &step->task, fault)) return false;
        return is_name(step->task, true) || wrong(fault, value.source(), "task is to be the name of a task of CASA");
    }
    if (key == "unless_column") return text_of(value, "unless_column", &step->unless_column, fault);
    if (key == "arguments") return read_arguments(value, step, fault);
    if (key == "argv") return read_argv(value, step, fault);
    return wrong(fault, value.source(), "a step has no key \"%s\": name, task, arguments, argv, unless_column",
                 shown(key).c_str());
}

bool read_step(const toml::table &table, const chain_steps *before, chain_step *step, chain_fault *fault) {
    for (const auto &[key, value] : table)
        if (!read_key(key, value, step, fault)) return false;
    if (!step->name) return wrong(fault, table.source(), "a step has no name");
    if (!step->task == !step->argv)
        return wrong(fault, table.source(), "step %s is to have either a task or argv", step->name);
    if (step->argv && step->arguments)
        return wrong(fault, table.source(), "step %s has arguments, which are a task's: a program's stand in argv",
                     step->name);
    if (step->task && !step->arguments) step->arguments = cli_copy("{}");
    for (int i = 0; i < before->n - 1; i++)
        if (strcmp(before->step[i].name, step->name) == 0)
            return wrong(fault, table.source(), "there are two steps %s", step->name);
    return true;
}

bool read_steps(const toml::node &node, const char *part, chain_steps *steps, chain_fault *fault) {
    const auto *list = node.as_array();
    if (!list) return wrong(fault, node.source(), "the steps of %s are to be tables: [[%s]]", part, part);
    if (list->size() > CHAIN_STEPS_MOST)
        return wrong(fault, node.source(), "%s has more than %d steps", part, CHAIN_STEPS_MOST);
    for (const auto &one : *list) {
        const auto *table = one.as_table();
        if (!table) return wrong(fault, one.source(), "a step of %s is to be a table: [[%s]]", part, part);
        chain_step *step = &steps->step[steps->n++]; // freed with the others, whatever of it was read
        if (!read_step(*table, steps, step, fault)) return false;
    }
    return true;
}

// toml++ 3.3 takes some letters beyond ASCII for what cannot be (U+00A1 to U+0499 where a blank may stand): within
// strings TOML has escapes for all of them.
bool is_plain(std::string_view text, chain_fault *fault) {
    int line = 1;
    for (const char c : text) {
        if (c == '\n') line++;
        if ((c >= ' ' && c <= '~') || c == '\n' || c == '\t' || c == '\r') continue;
        fault->line = line;
        snprintf(fault->message, sizeof fault->message,
                 "byte 0x%02X is no printable ASCII: letters of other alphabets are written as \\uXXXX, within strings",
                 static_cast<unsigned>(static_cast<unsigned char>(c)));
        return false;
    }
    return true;
}

bool read(std::string_view text, chain_config *config, chain_fault *fault) {
    if (!is_plain(text, fault)) return false;
    toml::table all = toml::parse(text);
    for (const auto &[key, value] : all) {
        std::string_view name = key;
        int part = 0;
        while (part < CHAIN_PARTS && name != chain_part_names[part]) part++;
        if (part < CHAIN_PARTS) {
            if (!read_steps(value, chain_part_names[part], &config->part[part], fault)) return false;
        } else if (name == "casa_python") {
            if (!text_of(value, "casa_python", &config->casa_python, fault)) return false;
        } else {
            return wrong(fault, value.source(), "there is no key \"%s\": calibration, imaging, casa_python",
                         shown(name).c_str());
        }
    }
    return true;
}

} // namespace

extern "C" {

int chain_config_readable(void) { return 1; }

int chain_config_parse(const char *text, size_t length, chain_config *config, chain_fault *fault) {
    memset(config, 0, sizeof *config);
    *fault = chain_fault{};
    try {
        if (length > CHAIN_CONFIG_BYTES_MOST) {
            snprintf(fault->message, sizeof fault->message, "it is longer than 1 MiB");
            return -1;
        }
        return read(std::string_view(text, length), config, fault) ? 0 : -1;
    } catch (const toml::parse_error &error) {
        wrong(fault, error.source(), "%s", shown(error.description()).c_str());
        return -1;
    } catch (const std::exception &error) { // memory, above all
        snprintf(fault->message, sizeof fault->message, "it cannot be read: %s", error.what());
        return -1;
    }
}
}
