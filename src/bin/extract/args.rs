use clap::Parser;
use cli::{Error, Exit, GeneralArgs, Program, Session, StreamArgs};
use llama::ModelArgs;
use results::CacheArgs;

use crate::filter::ExtractFilter;
use crate::parts::{Pages, Per};
use crate::plan::Plan;
use crate::schema::{Policy, Region, SchemaFilter, SchemaPlan};

/// Turn documents into text, and texts into data
///
/// Reads the file named by "path" (or an operand, or stdin's bytes with '-') and adds "text" and
/// "document". Knows PDF, DOCX, PPTX, XLSX, ODT, ODS, ODP, EPUB, RTF, HTML, mail (EML, mbox, MSG) and
/// plain text in any encoding, by content, not by name; what is compressed (gzip, Zstandard, bzip2)
/// is read as what it is inside. Attachments, the mails of a mailbox and the files of an archive
/// (ZIP, tar) follow as records of their own, with "parent", the latter with a "path" such as
/// archive.zip!/folder/file.
///
/// With --schema a small local model fills in "data" from "text", or from a document once it is
/// text. Its answer is held to the schema by a grammar. "spans" says for each value where in the
/// text it stands, in bytes, by its dotted path; "unsupported" lists values that the text does not
/// have, in any notation: the model made them up. "normalized" has dates, amounts and phone numbers
/// as ISO 8601, ISO 4217 and E.164 write them. "confidence" is the share of values that the text
/// has: a count, not a calibrated probability. That a value stands in the text does not mean that
/// it is the right one. A text that exceeds the model's context is read in windows that overlap
/// ("parts" says how many): of a field the first value that the text has counts, of a list all
/// items. Where the model does not stop by itself, texts and lists get an end, and "truncated" says
/// so.
#[derive(Debug, Parser)]
#[command(name = "extract")]
pub struct Extract {
    /// Keep what a reader would skip: a web page's navigation, header and footer, comments, hidden
    /// sheets
    #[arg(long)]
    pub full: bool,

    /// Read these pages, slides or sheets only, such as 3, 3-7, 3- or -7
    #[arg(long, value_name = "PAGES")]
    pub(crate) pages: Option<Pages>,

    /// A record for each page, section or piece of at most N bytes, with "part"
    #[arg(long, value_name = "page|section|chunk:N")]
    pub(crate) per: Option<Per>,

    /// Tables as rows of cells too, in "document"
    #[arg(long)]
    pub tables: bool,

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

    /// Bytes that an archive or a compressed file may expand to in all
    #[arg(long, value_name = "BYTES", default_value_t = 4 << 30, help_heading = "Limits")]
    pub max_unpacked: u64,

    /// What to fill in: a file, JSON Schema, or the short form 'name, age int?, mails [email], to
    /// {city, zip}'. Types: str, int, float, bool, date, money, phone, email, url, enum(a|b),
    /// [type], {fields}; '?' for what a text may not say; ': words' to tell the model more
    #[arg(long, value_name = "SCHEMA", help_heading = "Schema")]
    pub schema: Option<String>,

    /// What to do with a value that the text does not have
    #[arg(
        long,
        value_name = "WHAT",
        default_value = "flag",
        requires = "schema",
        help_heading = "Schema"
    )]
    pub(crate) unsupported: Policy,

    /// Where the texts come from, such as DE: how 3/4/2026, $5 and phone numbers without a
    /// country are meant
    #[arg(long, value_name = "REGION", requires = "schema", help_heading = "Schema")]
    pub(crate) region: Option<Region>,

    /// Ask for this many values at a time; what is one property stays together
    #[arg(long, value_name = "N", default_value_t = 12, requires = "schema", help_heading = "Schema", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub fields_per_request: u16,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub model: ModelArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub cache: CacheArgs,

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
        if let Some(schema) = &self.schema {
            let plan = SchemaPlan::new(&self, schema, session)?;
            let jobs = plan.jobs;
            return cli::driver::run(SchemaFilter::new(plan), &self.stream, jobs, session);
        }
        if self.model.model.is_some() {
            return Err(Error::usage("--model is for --schema"));
        }
        let plan = Plan::new(&self, session);
        cli::driver::run(ExtractFilter::new(plan), &self.stream, Plan::default_jobs(), session)
    }
}
