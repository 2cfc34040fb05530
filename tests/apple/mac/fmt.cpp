// Homebrew's fmt is a library; its headers hold what it is made of.
#include <fmt/format-inl.h>

#include <locale>

namespace fmt {
inline namespace v12 {
template auto detail::dragonbox::to_decimal(float) noexcept -> detail::dragonbox::decimal_fp<float>;
template auto detail::dragonbox::to_decimal(double) noexcept
    -> detail::dragonbox::decimal_fp<double>;
template auto detail::thousands_sep_impl(locale_ref) -> detail::thousands_sep_result<char>;
template auto detail::decimal_point_impl(locale_ref) -> char;
template void detail::buffer<char>::append(const char*, const char*);
}  // namespace v12
}  // namespace fmt
