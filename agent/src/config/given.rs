//! Settings that are only about another one: given without it they would be silently without effect.

use std::path::Path;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::{
    BUDGET_AT_LIMIT, BUDGET_USD, BUDGET_WINDOW, Config, ConfigError, DECISION_LOG, DECISION_LOG_FILES,
    DECISION_LOG_SIZE, Setting,
};

impl Config {
    /// Whether something comes of every setting that was given, by its flag or by its environment variable. A default is
    /// not given.
    ///
    /// # Errors
    ///
    /// The first setting that is without effect, with the one that it would need.
    pub fn check_given(&self, matches: &ArgMatches) -> Result<(), ConfigError> {
        if self.budget_usd.is_none() {
            for setting in [BUDGET_WINDOW, BUDGET_AT_LIMIT] {
                setting.refuse_given(matches, || format!("without {BUDGET_USD}; give both or neither"))?;
            }
        }
        let why = match &self.decision_log {
            None => format!("without {DECISION_LOG}; give both or neither"),
            Some(path) if path == Path::new("-") => {
                format!(
                    "where {DECISION_LOG} is standard output, which is never rotated; give a file, or leave this out"
                )
            }
            Some(_) => return Ok(()),
        };
        for setting in [DECISION_LOG_SIZE, DECISION_LOG_FILES] {
            setting.refuse_given(matches, || why.clone())?;
        }
        Ok(())
    }
}

impl Setting {
    fn refuse_given(&self, matches: &ArgMatches, why: impl Fn() -> String) -> Result<(), ConfigError> {
        // How clap calls an argument that is derived from a field.
        let id = self.flag.trim_start_matches('-').replace('-', "_");
        match matches.value_source(&id) {
            Some(ValueSource::CommandLine | ValueSource::EnvVariable) => {
                Err(ConfigError::WithoutEffect { flag: self.flag, env: self.env, reason: why() })
            }
            _ => Ok(()),
        }
    }
}
