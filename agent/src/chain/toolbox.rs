//! The tools that an agent has, by name.

use std::sync::Arc;

use crate::tools::Tool;

/// The tools that a plan can choose from.
pub(crate) struct Toolbox {
    names: Vec<Arc<str>>,
    tools: Vec<Arc<dyn Tool>>,
}

impl Toolbox {
    pub(crate) fn new(tools: Vec<Arc<dyn Tool>>) -> Self {
        Self { names: tools.iter().map(|tool| tool.name().into()).collect(), tools }
    }

    pub(crate) fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    pub(crate) fn get(&self, name: &str) -> Option<&dyn Tool> {
        let place = self.names.iter().position(|known| **known == *name)?;
        Some(&*self.tools[place])
    }
}
