//! The rows of a table of the Cost screen, in the order chosen.

use std::cmp::Ordering;

/// A column by which rows can be ordered.
pub trait TableOrder: Copy + Default + PartialEq + 'static {
    /// What stands in a row.
    type Row: Clone;

    /// All of them, in the order in which they follow each other.
    const ALL: &'static [Self];

    /// The word for it.
    fn as_str(self) -> &'static str;

    /// Whether the smallest come first: so with names, and with how long ago or until when. Of figures the largest do.
    fn rises(self) -> bool;

    /// How two rows stand to each other, the smaller one first.
    fn compare(self, a: &Self::Row, b: &Self::Row) -> Ordering;
}

/// Rows, and by which column they stand.
#[derive(Debug, Clone)]
pub struct Rows<O: TableOrder> {
    rows: Vec<O::Row>,
    order: O,
    reversed: bool,
}

impl<O: TableOrder> Default for Rows<O> {
    fn default() -> Self {
        Self { rows: Vec::new(), order: O::default(), reversed: false }
    }
}

impl<O: TableOrder> Rows<O> {
    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[O::Row] {
        &self.rows
    }

    /// The column by which they stand.
    #[must_use]
    pub const fn order(&self) -> O {
        self.order
    }

    /// Whether the smallest come first.
    #[must_use]
    pub fn rises(&self) -> bool {
        self.order.rises() != self.reversed
    }

    /// The order so many places after this one, round and round.
    pub(super) fn order_after(&self, places: usize) -> O {
        let place = O::ALL.iter().position(|order| *order == self.order).unwrap_or(0);
        O::ALL[(place + places) % O::ALL.len()]
    }

    /// Puts what is taken from now on into this order; turns it round where it stands in it.
    pub(super) fn order_by(&mut self, order: O) {
        self.reversed = order == self.order && !self.reversed;
        self.order = order;
    }

    /// Takes rows as they are told; those that are equal stay as they are told.
    pub(super) fn take(&mut self, told: &[O::Row]) {
        let (order, rises) = (self.order, self.rises());
        self.rows = told.to_vec();
        self.rows.sort_by(|a, b| if rises { order.compare(a, b) } else { order.compare(b, a) });
    }
}
