use clap::Parser;
use cli::{Error, Exit, GeneralArgs, Program, Session, StreamArgs};

use crate::filter::ExtractFilter;
use crate::plan::Plan;

/// Turn documents into text
///
/// Reads the file named by "path" (or an operand, or stdin's bytes with '-') and adds "text" and
/// "document". Knows PDF, HTML, mail (EML, mbox) and plain text in any encoding, by content, not by
/// name. Attachments and the mails of a mailbox follow as records of their own, with "parent".
#[derive(Debug, Parser)]
#[command(name = "extract")]
pub struct Extract {
    /// Keep what a reader would skip: a web page's navigation, header and footer
    #[arg(long)]
    pub full: bool,

    /// Refuse files with more bytes
    #[arg(long, value_name = "BYTES", default_value_t = 512 << 20, help_heading = "Limits")]
    pub max_bytes: u64,

    /// Cut the text of a document after this many bytes, and say so
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20, help_heading = "Limits")]
    pub max_text: usize,

    /// Read this many pages of a document at most
    #[arg(long, value_name = "N", default_value_t = 20_000, help_heading = "Limits")]
    pub max_pages: usize,

    /// Bytes that one compressed part may expand to
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20, help_heading = "Limits")]
    pub max_stream: usize,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub stream: StreamArgs,
}

impl Program for Extract {
    const NAME: &'static str = "extract";
    const EXAMPLES: &'static str = include_str!("examples.txt");

    fn general(&self) -> &GeneralArgs {
        &self.stream.general
    }

    fn run(self, session: &Session) -> Result<Exit, Error> {
        let plan = Plan::new(&self, session);
        cli::driver::run(ExtractFilter::new(plan), &self.stream, Plan::default_jobs(), session)
    }
}
