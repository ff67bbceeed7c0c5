//! Durable steps on a local disk. All of them block; [`blocking`] gets them off the async threads.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{FileExt as _, OpenOptionsExt},
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream, stream::BoxStream};
use tempfile::{NamedTempFile, TempPath};
use tokio::task::JoinError;

use super::{BlobError, gate::Gate};

/// Bytes read or written in one go.
pub(super) const CHUNK: usize = 256 * 1024;

/// Runs `work`, which may block, on a thread for that, to its end even if the caller goes away.
pub(super) async fn blocking<T, E>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<BlobError> + Send + 'static,
{
    joined(tokio::task::spawn_blocking(work).await)
}

/// Runs `work` to its end even if the caller goes away, so that nothing is left half done.
pub(super) async fn detached(
    work: impl Future<Output = Result<(), BlobError>> + Send + 'static,
) -> Result<(), BlobError> {
    joined(tokio::spawn(work).await)
}

/// Passes a task's panic on; a task is cancelled only when the runtime stops.
pub(super) fn joined<T, E: From<BlobError>>(
    result: Result<Result<T, E>, JoinError>,
) -> Result<T, E> {
    match result.map_err(JoinError::try_into_panic) {
        Ok(result) => result,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => Err(BlobError::Stopping.into()),
    }
}

/// Streams `length` bytes of `file` from `offset` on.
pub(super) fn stream_file(
    file: File,
    offset: u64,
    length: u64,
) -> BoxStream<'static, io::Result<Bytes>> {
    let state = (Arc::new(file), offset, length);
    stream::try_unfold(state, |(file, offset, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let source = Arc::clone(&file);
        let read = tokio::task::spawn_blocking(move || read_chunk(&source, offset, left));
        let bytes = read.await.map_err(io::Error::other)??;
        let len = bytes.len() as u64;
        Ok(Some((bytes, (file, offset + len, left - len))))
    })
    .boxed()
}

fn read_chunk(file: &File, offset: u64, left: u64) -> io::Result<Bytes> {
    let len = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
    let mut chunk = vec![0; len];
    // Somebody who cut the file must not make the reader take that for the blob's end.
    file.read_exact_at(&mut chunk, offset)?;
    Ok(chunk.into())
}

/// Creates `dir` and its parents so that they survive power loss.
pub(super) fn create_dir(dir: &Path) -> Result<(), BlobError> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(parent) = dir.parent().filter(|parent| *parent != Path::new("")) {
        create_dir(parent)?;
    }
    match fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(BlobError::io("create directory", dir)(error))
        }
        _ => sync_parent(dir),
    }
}

/// Makes the entry of `path` in its directory survive power loss.
pub(super) fn sync_parent(path: &Path) -> Result<(), BlobError> {
    let parent = path.parent().unwrap_or(Path::new("."));
    let parent = if parent == Path::new("") {
        Path::new(".")
    } else {
        parent
    };
    File::open(parent)
        .and_then(|dir| dir.sync_all())
        .map_err(BlobError::io("flush directory", parent))
}

/// Creates a file that nobody else may read.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true).mode(0o600);
    options.open(path)
}

/// Moves the complete file `path`, open as `file`, to `target`, through `temp_dir` if that is
/// on another filesystem. The directory of `target` is there and flushed.
pub(super) fn install(
    file: &File,
    path: &Path,
    target: &Path,
    (temp_dir, gate): (&Path, &Gate),
) -> Result<(), BlobError> {
    // From now on the bytes count as new, however long they took to arrive.
    file.set_modified(file_time())
        .map_err(BlobError::io("write", path))?;
    let flush = || file.sync_all().map_err(BlobError::io("flush", target));
    // Where nothing stands under the name, renaming first lets one flush carry both: a file
    // that power loss damages in between has been acknowledged to nobody, and is replaced by
    // the next put. What stands there already is good until the new bytes are flushed.
    let pass = gate.pass()?;
    let is_new = rename_new(path, target);
    drop(pass);
    if is_new {
        flush()?;
        return sync_parent(target);
    }
    flush()?;
    let pass = gate.pass()?;
    let renamed = fs::rename(path, target);
    drop(pass);
    match renamed {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let mut source = File::open(path).map_err(BlobError::io("open", path))?;
            install_from(&mut source, target, temp_dir, gate)?;
            fs::remove_file(path).map_err(BlobError::io("remove", path))
        }
        Err(error) => Err(BlobError::io("move a file to", target)(error)),
        Ok(()) => sync_parent(target),
    }
}

/// Renames a file where nothing has the new name; returns whether it could.
fn rename_new(path: &Path, target: &Path) -> bool {
    let Ok(temp) = TempPath::try_from_path(path) else {
        return false;
    };
    match temp.persist_noclobber(target) {
        Ok(()) => true,
        Err(error) => {
            // Not temporary at all.
            drop(error.path.keep());
            false
        }
    }
}

/// Returns the time as the file system counts it.
#[expect(
    clippy::disallowed_methods,
    reason = "it is compared with the file system's own times only"
)]
fn file_time() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

/// Writes what `source` gives to `target`, visible only when it is complete and durable.
/// The directory of `target` is there and flushed.
pub(super) fn install_from(
    source: &mut impl Read,
    target: &Path,
    temp_dir: &Path,
    gate: &Gate,
) -> Result<(), BlobError> {
    let mut temp =
        NamedTempFile::new_in(temp_dir).map_err(BlobError::io("create a file in", temp_dir))?;
    io::copy(source, temp.as_file_mut())
        .and_then(|_| temp.as_file_mut().flush())
        .and_then(|()| temp.as_file().set_modified(file_time()))
        .and_then(|()| temp.as_file().sync_all())
        .map_err(BlobError::io("write", temp.path()))?;
    let pass = gate.pass()?;
    temp.persist(target)
        .map_err(|error| BlobError::io("move a file to", target)(error.error))?;
    drop(pass);
    sync_parent(target)
}

/// Removes `file`; an absent one is no error.
pub(super) fn remove(file: &Path) -> Result<(), BlobError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(BlobError::io("remove", file)(error))
        }
        _ => Ok(()),
    }
}
