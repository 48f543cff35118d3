// oracle_values.h - pseudo-random cell values: every bit pattern may occur, NaNs and infinities included.
#ifndef MSIO_TESTS_ORACLE_VALUES_H
#define MSIO_TESTS_ORACLE_VALUES_H

#include <casacore/casa/Arrays/Array.h>
#include <casacore/casa/BasicSL/Complex.h>
#include <casacore/casa/BasicSL/String.h>
#include <casacore/casa/Utilities/DataType.h>

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

namespace oracle {

// xorshift64*: small, and the same everywhere.
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed * 2654435761u + 88172645463325252u) {}

    uint64_t next() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 2685821657736338717u;
    }

    // 0 <= result < n; n at least 1
    int64_t below(int64_t n) { return static_cast<int64_t>((next() >> 11) % static_cast<uint64_t>(n)); }

  private:
    uint64_t state_;
};

// Text of at most `longest` bytes. The lengths round 8 matter: shorter texts lie within StandardStMan's descriptor.
inline casacore::String text(Random &random, int64_t longest) {
    static const int64_t lengths[] = {0, 0, 1, 3, 7, 8, 9, 12, 40, 150};
    int64_t length = random.below(200) == 0 ? 3000 : lengths[random.below(10)];
    if (length > longest) length = random.below(longest + 1);
    casacore::String result;
    while (static_cast<int64_t>(result.size()) < length) {
        if (random.below(16) || static_cast<int64_t>(result.size()) + 2 > length)
            result.push_back(static_cast<char>(33 + random.below(94)));
        else
            result += "\xc3\xa9"; // e acute in UTF-8
    }
    return result;
}

template <class T> T value(Random &random) {
    T result;
    auto *bytes = reinterpret_cast<unsigned char *>(&result);
    for (size_t i = 0; i < sizeof result; i++) bytes[i] = static_cast<unsigned char>(random.next() >> 40);
    return result;
}

template <> inline bool value<bool>(Random &random) { return random.below(2); }
template <> inline float value<float>(Random &random) {
    uint32_t bits = static_cast<uint32_t>(random.next() >> 32) | (random.below(8) ? 0 : 0x7f800000u);
    float result;
    std::memcpy(&result, &bits, sizeof result);
    return result;
}
template <> inline double value<double>(Random &random) {
    uint64_t bits = random.next() | (random.below(8) ? 0 : 0x7ff0000000000000u);
    double result;
    std::memcpy(&result, &bits, sizeof result);
    return result;
}
template <> inline casacore::Complex value<casacore::Complex>(Random &random) {
    float part[2] = {value<float>(random), value<float>(random)};
    return {part[0], part[1]};
}
template <> inline casacore::DComplex value<casacore::DComplex>(Random &random) {
    double part[2] = {value<double>(random), value<double>(random)};
    return {part[0], part[1]};
}
template <class T>
casacore::Array<T> array(Random &random, const casacore::IPosition &shape, [[maybe_unused]] int64_t longest = 5000) {
    casacore::Array<T> result(shape);
    for (auto at = result.cbegin(); at != result.cend(); ++at) {
        if constexpr (std::is_same_v<T, casacore::String>)
            *at = text(random, longest);
        else
            *at = value<T>(random);
    }
    return result;
}

// The types that a column can have.
inline const std::vector<casacore::DataType> &column_types() {
    static const std::vector<casacore::DataType> types = {
        casacore::TpBool,   casacore::TpUChar,   casacore::TpShort,    casacore::TpUShort,
        casacore::TpInt,    casacore::TpUInt,    casacore::TpInt64,    casacore::TpFloat,
        casacore::TpDouble, casacore::TpComplex, casacore::TpDComplex, casacore::TpString};
    return types;
}

inline const char *type_name(casacore::DataType type) {
    switch (type) {
    case casacore::TpBool: return "Bool";
    case casacore::TpUChar: return "uChar";
    case casacore::TpShort: return "Short";
    case casacore::TpUShort: return "uShort";
    case casacore::TpInt: return "Int";
    case casacore::TpUInt: return "uInt";
    case casacore::TpInt64: return "Int64";
    case casacore::TpFloat: return "Float";
    case casacore::TpDouble: return "Double";
    case casacore::TpComplex: return "Complex";
    case casacore::TpDComplex: return "DComplex";
    case casacore::TpString: return "String";
    default: return "other";
    }
}

template <class T> struct Tag { using type = T; };

// Calls what(Tag<T>()) with the C++ type of a column type.
template <class F> auto with_type(casacore::DataType type, F &&what) {
    switch (type) {
    case casacore::TpBool: return what(Tag<casacore::Bool>());
    case casacore::TpUChar: return what(Tag<casacore::uChar>());
    case casacore::TpShort: return what(Tag<casacore::Short>());
    case casacore::TpUShort: return what(Tag<casacore::uShort>());
    case casacore::TpInt: return what(Tag<casacore::Int>());
    case casacore::TpUInt: return what(Tag<casacore::uInt>());
    case casacore::TpInt64: return what(Tag<casacore::Int64>());
    case casacore::TpFloat: return what(Tag<casacore::Float>());
    case casacore::TpDouble: return what(Tag<casacore::Double>());
    case casacore::TpComplex: return what(Tag<casacore::Complex>());
    case casacore::TpDComplex: return what(Tag<casacore::DComplex>());
    default: return what(Tag<casacore::String>());
    }
}

} // namespace oracle
#endif
