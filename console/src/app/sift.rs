//! Which investigations pass filter and scope: worked out when these change, kept up to date with what moves.

use std::collections::HashSet;

use super::{App, Known};

/// What an investigation must be to be shown.
struct Sieve<'a> {
    words: Vec<String>,
    scope: Option<&'a str>,
}

impl Sieve<'_> {
    fn passes(&self, known: &Known) -> bool {
        self.scope.is_none_or(|name| *known.investigation.replica == *name)
            && self.words.iter().all(|word| known.says(word))
    }
}

impl App {
    /// Works out anew what passes filter and scope.
    pub(super) fn sift(&mut self) {
        let sieve = self.sieve();
        if sieve.words.is_empty() && sieve.scope.is_none() {
            self.shown = None;
            return;
        }
        let passing = self.investigations.newest_first().filter(|known| sieve.passes(known));
        self.shown = Some(passing.map(|known| known.investigation.investigation_id.clone()).collect());
    }

    /// The same where only some have moved, and some are no longer known.
    pub(super) fn sift_moved(&mut self, moved: &[String], forgotten: &[String]) {
        let Some(mut shown) = self.shown.take() else { return };
        if !forgotten.is_empty() {
            let forgotten: HashSet<&String> = forgotten.iter().collect();
            shown.retain(|id| !forgotten.contains(id));
        }
        let sieve = self.sieve();
        for id in moved {
            let Some(known) = self.investigations.get(id) else { continue };
            match (self.place_in(&shown, id), sieve.passes(known)) {
                (Ok(row), false) => {
                    shown.remove(row);
                }
                (Err(row), true) => shown.insert(row, id.clone()),
                (Ok(_), true) | (Err(_), false) => {}
            }
        }
        self.shown = Some(shown);
    }

    /// The row of an investigation in the list as it is shown.
    pub(super) fn row_of(&self, id: &str) -> Option<usize> {
        match &self.shown {
            Some(shown) => self.place_in(shown, id).ok(),
            None => self.investigations.rank(id),
        }
    }

    /// Where an investigation stands among those shown, or where it would.
    fn place_in(&self, shown: &[String], id: &str) -> Result<usize, usize> {
        let rank = |id: &str| self.investigations.rank(id).unwrap_or(usize::MAX);
        let wanted = rank(id);
        shown.binary_search_by_key(&wanted, |shown| rank(shown))
    }

    fn sieve(&self) -> Sieve<'_> {
        let words = self.filter.value().to_lowercase().split_whitespace().map(str::to_owned).collect();
        Sieve { words, scope: self.scope.as_deref() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use crossterm::event::KeyCode;
    use langdeck_shared::Status;
    use proptest::prelude::*;

    use crate::app::App;
    use crate::app::investigations::KEPT;
    use crate::app::testing::{answer, app, idle, investigation, press, write};

    fn shown(app: &App) -> Vec<String> {
        (0..app.shown_count()).map(|row| app.shown(row).unwrap().investigation.investigation_id.clone()).collect()
    }

    fn update(app: &mut App, moved: &[(u16, u64, Status)], now: Instant) {
        let mut update = idle("a", "one");
        update.reset = false;
        let one = |&(number, age, status): &(u16, u64, Status)| {
            investigation(&format!("inv_{number}"), "a", ("high_cpu", "api"), status, Duration::from_secs(age))
        };
        update.investigations = moved.iter().map(one).collect();
        answer(app, 0, update, now);
    }

    proptest! {
        #[test]
        fn what_moves_is_sifted_as_if_all_were(
            answers in prop::collection::vec(prop::collection::vec((0_u16..40, 0_u64..50, prop::sample::select(&Status::ALL[..])), 0..6), 1..12),
        ) {
            let now = Instant::now();
            let mut app = app(&["http://a"], now);
            press(&mut app, KeyCode::Char('/'), now);
            write(&mut app, "CPU succ", now);
            for moved in answers {
                update(&mut app, &moved, now + Duration::from_secs(60));
                let kept_up = shown(&app);
                app.sift();
                prop_assert_eq!(&kept_up, &shown(&app));
                for (row, id) in kept_up.iter().enumerate() {
                    prop_assert_eq!(app.row_of(id), Some(row));
                }
            }
        }
    }

    #[test]
    fn what_is_no_longer_known_is_no_longer_shown() {
        let now = Instant::now();
        let mut app = app(&["http://a"], now);
        press(&mut app, KeyCode::Char('/'), now);
        write(&mut app, "failed", now);
        for part in 0..3 {
            let numbers = (0..KEPT as u16 / 2).map(|number| number + part * (KEPT as u16 / 2));
            let moved: Vec<_> = numbers.map(|number| (number, 40 - u64::from(part), Status::Failed)).collect();
            update(&mut app, &moved, now + Duration::from_secs(60));
        }
        let kept_up = shown(&app);
        assert_eq!(kept_up.len(), KEPT);
        app.sift();
        assert!(kept_up == shown(&app));
    }
}
