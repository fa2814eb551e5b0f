//! Money: an integer number of nano-dollars inside, a JSON number in USD at the edge.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const NANOS_PER_USD: u64 = 1_000_000_000;
/// As many as nano-dollars have.
const DECIMALS: usize = 9;

/// An amount in US dollars, exact to the nano-dollar (1e-9 USD) and never negative.
///
/// On the wire it is a JSON number in USD: `0.000314`. Every amount below 2^51 nano-dollars (about two million USD)
/// comes back from that number unchanged. Sums saturate instead of wrapping.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = f64, example = 0.000_314, minimum = 0))]
pub struct Usd(u64);

impl Usd {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// An amount of whole nano-dollars.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The amount in nano-dollars.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// The amount in USD, as near as a float can say it. For drawing and for the wire, not for sums.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 nano-dollars, which the type documents")]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_USD as f64
    }

    /// What is left of this amount after `other` is taken from it, never below zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The amount that a float in USD names, rounded to the nano-dollar.
    ///
    /// # Errors
    ///
    /// When the number is negative, not finite, or too large to hold.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the range is checked on the line before the cast"
    )]
    pub fn from_f64(usd: f64) -> Result<Self, ParseUsdError> {
        let nanos = (usd * NANOS_PER_USD as f64).round();
        if nanos.is_finite() && nanos >= 0.0 && nanos < u64::MAX as f64 {
            Ok(Self(nanos as u64))
        } else {
            Err(ParseUsdError(usd))
        }
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// The exact decimal in USD, without a currency sign and without trailing zeros: `0.000314`.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / NANOS_PER_USD, self.0 % NANOS_PER_USD);
        if fraction == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{fraction:09}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// Reads an exact decimal in USD, such as `12`, `0.0157` or `2.50`. No float comes between: `0.1` is a tenth.
impl FromStr for Usd {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        if text.starts_with('-') {
            return Err(InvalidAmount::Negative);
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let are_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        if !are_digits(whole) || !are_digits(fraction) {
            return Err(InvalidAmount::NoDecimal);
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > DECIMALS {
            return Err(InvalidAmount::TooFine);
        }
        // Nine digits at most, which any u64 holds.
        let nanos = format!("{fraction:0<DECIMALS$}").parse().unwrap_or_default();
        let whole = whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(NANOS_PER_USD));
        whole.and_then(|whole| whole.checked_add(nanos)).map(Self).ok_or(InvalidAmount::TooLarge)
    }
}

/// Why a text is no amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidAmount {
    /// It is no decimal number such as `0.02`.
    NoDecimal,
    /// It is below zero.
    Negative,
    /// It has more than nine decimals: the nano-dollar is the smallest amount.
    TooFine,
    /// It is more than about 18 billion.
    TooLarge,
}

impl fmt::Display for InvalidAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoDecimal => "it is no decimal number",
            Self::Negative => "it is negative",
            Self::TooFine => "it has more than nine decimals",
            Self::TooLarge => "it is too large to hold",
        })
    }
}

impl std::error::Error for InvalidAmount {}

/// A number that is no amount of money: negative, not finite, or too large.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParseUsdError(f64);

impl fmt::Display for ParseUsdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is no amount in USD: expected a number from 0 to about 18 billion", self.0)
    }
}

impl std::error::Error for ParseUsdError {}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_f64())
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UsdVisitor;

        impl Visitor<'_> for UsdVisitor {
            type Value = Usd;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount in USD, a number that is not negative")
            }

            fn visit_f64<E: de::Error>(self, usd: f64) -> Result<Usd, E> {
                Usd::from_f64(usd).map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, usd: u64) -> Result<Usd, E> {
                let nanos = usd.checked_mul(NANOS_PER_USD);
                nanos.map(Usd).ok_or_else(|| E::custom(format_args!("{usd} USD is too large to hold")))
            }

            fn visit_i64<E: de::Error>(self, usd: i64) -> Result<Usd, E> {
                let usd = u64::try_from(usd).map_err(|_| E::custom(format_args!("{usd} USD is negative")))?;
                self.visit_u64(usd)
            }
        }

        deserializer.deserialize_f64(UsdVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_documented_cost_is_exact_on_the_wire() {
        let cost = Usd::from_nanos(314_000);
        assert_eq!(serde_json::to_string(&cost).unwrap(), "0.000314");
        assert_eq!(serde_json::from_str::<Usd>("0.000314").unwrap(), cost);
        assert_eq!(cost.to_string(), "0.000314");
    }

    #[test]
    fn whole_dollars_read_from_integers() {
        assert_eq!(serde_json::from_str::<Usd>("3").unwrap(), Usd::from_nanos(3 * NANOS_PER_USD));
        assert_eq!(Usd::from_nanos(3 * NANOS_PER_USD).to_string(), "3");
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for bad in ["-0.1", "-1", "1e300", "18446744074", "\"1\"", "null", "[1]"] {
            assert!(serde_json::from_str::<Usd>(bad).is_err(), "{bad} was read as money");
        }
        assert!(Usd::from_f64(f64::NAN).is_err());
    }

    #[test]
    fn decimals_are_read_exactly() {
        let read = |text: &str| text.parse::<Usd>().map(Usd::nanos);
        assert_eq!(read("0.0157"), Ok(15_700_000));
        assert_eq!(read("2.50"), Ok(2_500_000_000));
        assert_eq!(read("18446744073.709551615"), Ok(u64::MAX));
        assert_eq!(read("0.0000000010"), Ok(1));
        for (text, why) in [
            ("", InvalidAmount::NoDecimal),
            (".5", InvalidAmount::NoDecimal),
            ("5.", InvalidAmount::NoDecimal),
            ("1e3", InvalidAmount::NoDecimal),
            ("+1", InvalidAmount::NoDecimal),
            ("nan", InvalidAmount::NoDecimal),
            ("-0.1", InvalidAmount::Negative),
            ("0.0000000001", InvalidAmount::TooFine),
            ("18446744073.709551616", InvalidAmount::TooLarge),
            ("99999999999999999999", InvalidAmount::TooLarge),
        ] {
            assert_eq!(read(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn sums_saturate() {
        assert_eq!(Usd::from_nanos(u64::MAX) + Usd::from_nanos(1), Usd::from_nanos(u64::MAX));
        assert_eq!(Usd::from_nanos(1).saturating_sub(Usd::from_nanos(2)), Usd::ZERO);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(nanos in any::<u64>()) {
            let amount = Usd::from_nanos(nanos);
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        }

        #[test]
        fn amounts_below_two_to_the_51_survive_the_wire(nanos in 0u64..(1 << 51)) {
            let amount = Usd::from_nanos(nanos);
            let text = serde_json::to_string(&amount).unwrap();
            prop_assert_eq!(serde_json::from_str::<Usd>(&text).unwrap(), amount);
        }
    }
}
