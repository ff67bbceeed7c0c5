//! Inspects a whole image: layers at once on all processors, then the merge.

use std::{
    collections::HashMap,
    io::{self, Read},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
};

use oci::{Descriptor, Digest, ImageSource, PlatformImage};

use crate::{
    DiffId, FileEntry, InspectError, Inventory, LayerReport, Limits, Problem, ScanError,
    layer::scan_as_far_as_may_be, merge,
};

/// How far an inspection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Layers done.
    pub layers: usize,
    /// Layers to scan.
    pub layers_total: usize,
    /// Bytes of blobs read.
    pub bytes: u64,
    /// Bytes of blobs to read.
    pub bytes_total: u64,
}

/// Layers of one image; those of Docker have 127 at most.
const MAX_LAYERS: usize = 1024;
/// The layers of an image together may have as many times what one may: a manifest may name one
/// any number of times, and each time it is applied.
const WHOLE_IMAGE: u64 = 4;

/// Says how far it is as often as this many bytes were read.
const PROGRESS_STEP: u64 = 4 << 20;

/// How an image is inspected.
pub struct Scan<'a> {
    /// How much of a layer is read.
    pub limits: Limits,
    /// Whether every `diff_id` is compared with the configuration.
    pub diff_id: DiffId,
    /// Returns the report of an earlier scan by the blob's digest; those of another
    /// [`PARSER_VERSION`](crate::PARSER_VERSION) are not used.
    pub known: &'a (dyn Fn(&Digest) -> Option<LayerReport> + Sync),
    /// Is given every new report.
    pub keep: &'a (dyn Fn(&Digest, &LayerReport) + Sync),
    /// Is told how far it is.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

impl Default for Scan<'_> {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            diff_id: DiffId::Compute,
            known: &|_| None,
            keep: &|_, _| {},
            progress: &|_| {},
        }
    }
}

/// Returns what the image holds.
///
/// # Errors
/// As [`scan_layers`].
pub fn inspect(
    source: &dyn ImageSource,
    image: &PlatformImage,
    scan: &Scan<'_>,
) -> Result<Inventory, InspectError> {
    let layers = scan_layers(source, image, scan)?;
    Ok(merge(&layers))
}

/// Returns the report of every layer, lowest first.
///
/// # Errors
/// [`InspectError`] names the layer that cannot be had or understood. One that exceeds a limit
/// is an error where its `diff_id` is asked for, else a problem of its report.
pub fn scan_layers(
    source: &dyn ImageSource,
    image: &PlatformImage,
    scan: &Scan<'_>,
) -> Result<Vec<(Digest, LayerReport)>, InspectError> {
    let layers = image.layers();
    let diff_ids = &image.config.rootfs.diff_ids;
    if image.manifest.image().is_none() {
        return Err(InspectError::NotAnImage(image.descriptor.digest.clone()));
    }
    if layers.len() > MAX_LAYERS {
        return Err(InspectError::TooMuch {
            what: "layers",
            limit: MAX_LAYERS as u64,
        });
    }
    if layers.len() != diff_ids.len() {
        return Err(InspectError::LayerCount {
            layers: layers.len(),
            diff_ids: diff_ids.len(),
        });
    }
    let mut reports = HashMap::new();
    let mut todo: Vec<(usize, &Descriptor)> = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        if reports.contains_key(&layer.digest) || todo.iter().any(|(_, t)| t.digest == layer.digest)
        {
            continue;
        }
        let usable = |report: &LayerReport| {
            report.is_current() && (scan.diff_id == DiffId::Skip || report.diff_id.is_some())
        };
        match (scan.known)(&layer.digest).filter(usable) {
            Some(report) => drop(reports.insert(layer.digest.clone(), report)),
            None => todo.push((index, layer)),
        }
    }
    // The longest first: the last to finish is then a short one.
    todo.sort_by_key(|(_, layer)| std::cmp::Reverse(layer.size));
    let work = Work::new(source, scan, &todo);
    work.run()?
        .into_iter()
        .for_each(|(digest, report)| drop(reports.insert(digest, report)));
    check_whole(layers, &reports, &scan.limits)?;
    in_order(layers, diff_ids, reports)
}

/// Refuses an image whose layers have more than is accepted of all of them together.
fn check_whole(
    layers: &[Descriptor],
    reports: &HashMap<Digest, LayerReport>,
    limits: &Limits,
) -> Result<(), InspectError> {
    let paths = |report: &LayerReport| {
        let link = |file: &FileEntry| file.link.as_ref().map_or(0, String::len);
        let path = |file: &FileEntry| (file.path.len() + link(file)) as u64;
        report.files.iter().map(path).sum::<u64>()
    };
    let counts: HashMap<_, (u64, u64)> = reports
        .iter()
        .map(|(digest, report)| (digest, (report.entry_count, paths(report))))
        .collect();
    let (mut entries, mut bytes) = (0_u64, 0_u64);
    for counted in layers.iter().filter_map(|layer| counts.get(&layer.digest)) {
        entries = entries.saturating_add(counted.0);
        bytes = bytes.saturating_add(counted.1);
    }
    for (what, value, limit) in [
        ("entries", entries, limits.entries),
        ("bytes of paths", bytes, limits.all_path_bytes),
    ] {
        let limit = limit.saturating_mul(WHOLE_IMAGE);
        if value > limit {
            return Err(InspectError::TooMuch { what, limit });
        }
    }
    Ok(())
}

fn in_order(
    layers: &[Descriptor],
    diff_ids: &[Digest],
    mut reports: HashMap<Digest, LayerReport>,
) -> Result<Vec<(Digest, LayerReport)>, InspectError> {
    let mut ordered = Vec::with_capacity(layers.len());
    for (index, (layer, expected)) in layers.iter().zip(diff_ids).enumerate() {
        // A digest may come twice.
        let again = layers[index + 1..].iter().any(|l| l.digest == layer.digest);
        let mut report = match reports.remove(&layer.digest) {
            Some(report) if again => {
                reports.insert(layer.digest.clone(), report.clone());
                report
            }
            Some(report) => report,
            None => unreachable!("every layer was known or scanned"),
        };
        let found = report.diff_id.get_or_insert_with(|| expected.clone());
        if found != expected {
            return Err(InspectError::DiffId {
                index: index + 1,
                digest: layer.digest.clone(),
                expected: expected.clone(),
                found: found.clone(),
            });
        }
        ordered.push((layer.digest.clone(), report));
    }
    Ok(ordered)
}

/// The layers to scan, shared by the threads that scan them.
struct Work<'a> {
    source: &'a dyn ImageSource,
    scan: &'a Scan<'a>,
    todo: &'a [(usize, &'a Descriptor)],
    next: AtomicUsize,
    done: AtomicUsize,
    bytes: AtomicU64,
    bytes_total: u64,
    reports: Mutex<Vec<(Digest, LayerReport)>>,
    /// Of the layers that failed, the lowest.
    failure: Mutex<Option<(usize, InspectError)>>,
}

impl<'a> Work<'a> {
    fn new(
        source: &'a dyn ImageSource,
        scan: &'a Scan<'a>,
        todo: &'a [(usize, &'a Descriptor)],
    ) -> Self {
        Self {
            source,
            scan,
            todo,
            next: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            bytes: AtomicU64::new(0),
            bytes_total: todo
                .iter()
                .map(|(_, layer)| layer.size)
                .fold(0, u64::saturating_add),
            reports: Mutex::default(),
            failure: Mutex::default(),
        }
    }

    fn run(self) -> Result<Vec<(Digest, LayerReport)>, InspectError> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            // This thread works, too.
            for _ in 1..threads.min(self.todo.len()) {
                scope.spawn(|| self.scan_some());
            }
            self.scan_some();
        });
        match self
            .failure
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
        {
            Some((_, error)) => Err(error),
            None => Ok(self
                .reports
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner)),
        }
    }

    fn scan_some(&self) {
        while let Some((index, layer)) = self.todo.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            match self.scan_one(*index, layer) {
                Ok(report) => lock(&self.reports).push((layer.digest.clone(), report)),
                Err(error) => {
                    let mut failure = lock(&self.failure);
                    if failure.as_ref().is_none_or(|(other, _)| index < other) {
                        *failure = Some((*index, error));
                    }
                    // What nobody has begun need not be begun.
                    self.next.store(self.todo.len(), Ordering::Relaxed);
                }
            }
        }
    }

    fn scan_one(&self, index: usize, layer: &Descriptor) -> Result<LayerReport, InspectError> {
        let opened = self.source.open(layer);
        let blob = opened.map_err(|source| InspectError::Source {
            index: index + 1,
            digest: layer.digest.clone(),
            source: Box::new(source),
        })?;
        let mut reader = Reporting {
            inner: blob,
            work: self,
            silent: 0,
        };
        let (limits, diff_id) = (&self.scan.limits, self.scan.diff_id);
        let failed = |source| InspectError::Layer {
            index: index + 1,
            digest: layer.digest.clone(),
            source,
        };
        let scanned = scan_as_far_as_may_be(&mut reader, &layer.media_type, limits, diff_id);
        let (mut report, breach) = scanned.map_err(failed)?;
        match breach {
            // A proof of the whole content is not to be had of a part.
            Some(breach) if diff_id == DiffId::Compute => return Err(failed(breach)),
            Some(breach) => {
                // Only to its end is the blob compared with its digest.
                let rest = io::copy(&mut reader, &mut io::sink());
                let broken = |source| failed(ScanError::Read { offset: 0, source });
                rest.map_err(broken)?;
                report.size = layer.size;
                report
                    .problems
                    .push(Problem::cut_off(&layer.digest, &breach));
            }
            None => {}
        }
        (self.scan.keep)(&layer.digest, &report);
        self.bytes.fetch_add(reader.silent, Ordering::Relaxed);
        self.done.fetch_add(1, Ordering::Relaxed);
        self.report();
        Ok(report)
    }

    fn report(&self) {
        (self.scan.progress)(Progress {
            layers: self.done.load(Ordering::Relaxed),
            layers_total: self.todo.len(),
            bytes: self.bytes.load(Ordering::Relaxed),
            bytes_total: self.bytes_total,
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A blob that says how far it is read.
struct Reporting<'a> {
    inner: Box<dyn Read + Send>,
    work: &'a Work<'a>,
    silent: u64,
}

impl Read for Reporting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.silent += read as u64;
        if self.silent >= PROGRESS_STEP {
            self.work
                .bytes
                .fetch_add(std::mem::take(&mut self.silent), Ordering::Relaxed);
            self.work.report();
        }
        Ok(read)
    }
}
