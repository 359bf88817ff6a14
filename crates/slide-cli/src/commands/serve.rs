//! `slide serve`, where it was compiled in.

use anyhow::Result;

use super::Show;
use crate::args::ServeArgs;

#[cfg(feature = "serve")]
pub(crate) fn run(args: &ServeArgs, show: Show) -> Result<()> {
    crate::serve::run(args, show)
}

#[cfg(not(feature = "serve"))]
pub(crate) fn run(_: &ServeArgs, _: Show) -> Result<()> {
    Err(crate::usage::Usage("this program was built without the feature `serve`: there is no `slide serve`".into())
        .into())
}
