//! What must hold for the whole action table.

use std::collections::HashSet;

use super::*;

#[test]
fn no_key_means_two_things_in_one_place() {
    for &context in EVERYWHERE {
        let mut seen = HashSet::new();
        for key in BINDINGS.iter().filter(|b| b.contexts.contains(&context)).flat_map(|b| b.keys) {
            assert!(seen.insert(key), "{key} means two things in {context:?}");
        }
    }
}

#[test]
fn every_place_can_be_left_and_ended() {
    for &context in EVERYWHERE {
        let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(action_for(context, &ctrl_c), Some(Action::Quit), "{context:?}");
        assert_eq!(action_for(context, &KeyEvent::from(KeyCode::Esc)), Some(Action::Back), "{context:?}");
    }
}

#[test]
fn letters_are_text_where_text_is_written() {
    let q = KeyEvent::from(KeyCode::Char('q'));
    assert_eq!(action_for(Filter, &q), None);
    assert_eq!(action_for(Overview, &q), Some(Action::Quit));
}

#[test]
fn shifted_letters_are_found_with_and_without_the_modifier() {
    for modifiers in [KeyModifiers::NONE, KeyModifiers::SHIFT] {
        let big_f = KeyEvent::new(KeyCode::Char('F'), modifiers);
        assert_eq!(action_for(Overview, &big_f), Some(Action::Compose));
    }
}

#[test]
fn every_key_of_the_table_does_what_it_says_wherever_it_says_so() {
    for binding in BINDINGS {
        for (context, key) in
            binding.contexts.iter().flat_map(|context| binding.keys.iter().map(move |key| (*context, *key)))
        {
            let does = (!(context.takes_text() && key.is_char())).then_some(binding.action);
            assert_eq!(action_for(context, &KeyEvent::new(key.0, key.1)), does, "{key} in {context:?}");
        }
    }
}

#[test]
fn the_footer_teaches_only_what_works_there() {
    for binding in BINDINGS {
        let first = binding.keys[0];
        for (place, _) in binding.footer {
            assert!(!(place.takes_text() && first.is_char()), "{first} is a letter in {place:?}");
        }
        assert!(binding.footer.iter().all(|(place, _)| binding.contexts.contains(place)), "{:?}", binding.action);
    }
}
