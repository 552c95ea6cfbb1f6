//! The hashes of the tree as files, 256 to a tile (C2SP's *tlog-tiles*).
//!
//! ```text
//! tile/0/000          the hashes of leaves 0 to 255
//! tile/0/001.p/17     the hashes of leaves 256 to 272: as many as there are yet
//! tile/1/000.p/1      the hash above tile/0/000
//! tile/entries/000    leaves 0 to 255 themselves, each after its length in two bytes
//! ```
//!
//! A tile that is full never changes again, so that any file server can hand the log out, and whoever has
//! a copy can go on from it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::tree::{self, Hash, Hashes, fold, leaf};
use crate::RecordError;
use crate::folder::write_whole;

/// Hashes in a tile.
const WIDTH: u64 = 256;

/// Levels of the tree in a tile.
const HEIGHT: u32 = 8;

/// The tiles in a folder.
#[derive(Debug)]
pub(super) struct Tiles {
    folder: PathBuf,
    read: RefCell<HashMap<(u32, u64), Vec<Hash>>>,
}

impl Tiles {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, read: RefCell::default() }
    }

    /// The tree of this size grows by these leaves.
    pub(super) fn append(&self, size: u64, leaves: &[String]) -> Result<(), RecordError> {
        self.append_entries(size, leaves)?;
        let mut new: Vec<Hash> = leaves.iter().map(|it| leaf(it.as_bytes())).collect();
        let mut level = 0;
        let mut first = size;
        while !new.is_empty() {
            self.extend(level, first, &new)?;
            // What is full by now has a hash in the level above.
            let above = first / WIDTH..(first + new.len() as u64) / WIDTH;
            first = above.start;
            level += 1;
            let below = |tile| Ok(fold(&self.tile(level - 1, tile, WIDTH)?).unwrap_or_default());
            new = above.map(below).collect::<Result<Vec<_>, RecordError>>()?;
        }
        Ok(())
    }

    /// Puts hashes at the end of a level, from `first` on.
    fn extend(&self, level: u32, first: u64, new: &[Hash]) -> Result<(), RecordError> {
        let mut rest = new;
        let mut at = first;
        while !rest.is_empty() {
            let (tile, filled) = (at / WIDTH, at % WIDTH);
            let mut hashes = self.tile(level, tile, filled)?;
            let (now, later) = rest
                .split_at_checked(usize::try_from(WIDTH - filled).unwrap_or(usize::MAX))
                .unwrap_or((rest, &[]));
            hashes.extend(now);
            self.write(&format!("{level}"), tile, hashes.len(), &hashes.concat())?;
            self.read.borrow_mut().insert((level, tile), hashes);
            at += now.len() as u64;
            rest = later;
        }
        Ok(())
    }

    fn append_entries(&self, size: u64, leaves: &[String]) -> Result<(), RecordError> {
        let mut at = size;
        let mut rest = leaves;
        while !rest.is_empty() {
            let (tile, filled) = (at / WIDTH, at % WIDTH);
            let mut bundle = pack(&self.entries(tile, filled)?);
            let (now, later) = rest
                .split_at_checked(usize::try_from(WIDTH - filled).unwrap_or(usize::MAX))
                .unwrap_or((rest, &[]));
            bundle.extend(pack(now));
            let width = usize::try_from(filled).unwrap_or_default() + now.len();
            self.write("entries", tile, width, &bundle)?;
            at += now.len() as u64;
            rest = later;
        }
        Ok(())
    }

    /// The first `width` leaves of a bundle.
    pub(super) fn entries(&self, tile: u64, width: u64) -> Result<Vec<String>, RecordError> {
        if width == 0 {
            return Ok(Vec::new());
        }
        let (path, bytes) = self.find("entries", tile, width)?;
        let leaves = unpack(&bytes).filter(|leaves| leaves.len() as u64 >= width);
        let mut leaves = leaves.ok_or_else(|| damaged(&path))?;
        leaves.truncate(usize::try_from(width).unwrap_or(usize::MAX));
        Ok(leaves)
    }

    /// The first `width` hashes of a tile.
    pub(super) fn tile(&self, level: u32, tile: u64, width: u64) -> Result<Vec<Hash>, RecordError> {
        let width = usize::try_from(width).unwrap_or(usize::MAX);
        if width == 0 {
            return Ok(Vec::new());
        }
        if let Some(known) = self.read.borrow().get(&(level, tile))
            && let Some(hashes) = known.get(..width)
        {
            return Ok(hashes.to_vec());
        }
        let (path, bytes) = self.find(&level.to_string(), tile, width as u64)?;
        let (hashes, torn) = bytes.as_chunks::<32>();
        let found = hashes.get(..width).filter(|_| torn.is_empty());
        let found = found.ok_or_else(|| damaged(&path))?.to_vec();
        self.read.borrow_mut().insert((level, tile), hashes.to_vec());
        Ok(found)
    }

    /// The narrowest file that holds as much of a tile.
    fn find(&self, level: &str, tile: u64, width: u64) -> Result<(PathBuf, Vec<u8>), RecordError> {
        let full = self.path(level, tile);
        let partial = partial(&full);
        let mut widths: Vec<u64> = match fs::read_dir(&partial) {
            Ok(files) => files
                .filter_map(|file| file.ok()?.file_name().to_str()?.parse().ok())
                .filter(|it| *it >= width)
                .collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(RecordError::io("list", &partial)(error)),
        };
        widths.sort_unstable();
        let path = widths.first().map_or(full, |it| partial.join(it.to_string()));
        let bytes = fs::read(&path).map_err(RecordError::io("read", &path))?;
        Ok((path, bytes))
    }

    /// Writes a tile that holds so many, and takes away what it held before.
    fn write(&self, level: &str, tile: u64, width: usize, bytes: &[u8]) -> Result<(), RecordError> {
        let full = self.path(level, tile);
        let partial = partial(&full);
        let path =
            if width as u64 == WIDTH { full.clone() } else { partial.join(width.to_string()) };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(RecordError::io("make", folder))?;
        }
        let unfinished = path.with_extension("new");
        write_whole(&unfinished, bytes)?;
        fs::rename(&unfinished, &path).map_err(RecordError::io("write", &path))?;
        let Ok(before) = fs::read_dir(&partial) else { return Ok(()) };
        for old in before.filter_map(Result::ok).map(|it| it.path()).filter(|it| *it != path) {
            fs::remove_file(&old).map_err(RecordError::io("remove", &old))?;
        }
        if path == full {
            fs::remove_dir(&partial).map_err(RecordError::io("remove", &partial))?;
        }
        Ok(())
    }

    /// `tile/0/x001/x234/067` is tile 1,234,067 of level 0.
    fn path(&self, level: &str, tile: u64) -> PathBuf {
        let mut name = format!("{:03}", tile % 1_000);
        let mut rest = tile / 1_000;
        while rest > 0 {
            name = format!("x{:03}/{name}", rest % 1_000);
            rest /= 1_000;
        }
        self.folder.join("tile").join(level).join(name)
    }
}

impl Hashes for Tiles {
    fn at(&self, level: u32, index: u64) -> Result<Hash, RecordError> {
        let within = level % HEIGHT;
        let (first, count) = (index << within, 1 << within);
        let hashes = self.tile(level / HEIGHT, first / WIDTH, first % WIDTH + count);
        match hashes {
            Ok(hashes) => {
                let from = usize::try_from(first % WIDTH).unwrap_or_default();
                let found = hashes.get(from..).and_then(fold);
                found.ok_or_else(|| damaged(&self.path(&level.to_string(), first / WIDTH)))
            }
            // A tile of the level above is only written once this one is full: go by what is below.
            Err(_) if level >= HEIGHT && within == 0 => {
                let hashes = self.tile(level / HEIGHT - 1, index, WIDTH)?;
                let all = fold(&hashes);
                all.ok_or_else(|| damaged(&self.path(&level.to_string(), index)))
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether every tile holds what these leaves make it hold. Returns what does not.
pub(super) fn check(tiles: &Tiles, leaves: &[Hash]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut hashes = leaves.to_vec();
    let mut level = 0;
    while !hashes.is_empty() {
        for (index, made) in hashes.chunks(WIDTH as usize).enumerate() {
            let tile = index as u64;
            match tiles.tile(level, tile, made.len() as u64) {
                Ok(found) if found == made => {}
                Ok(_) => problems.push(format!("tile {tile} of level {level} is another")),
                Err(error) => problems.push(error.to_string()),
            }
        }
        hashes = hashes.chunks_exact(WIDTH as usize).filter_map(fold).collect();
        level += 1;
    }
    problems
}

/// The leaves of the tree of this size, as the bundles hold them.
pub(super) fn leaves(tiles: &Tiles, size: u64) -> Result<Vec<String>, RecordError> {
    let mut all = Vec::new();
    for tile in 0..size.div_ceil(WIDTH) {
        all.extend(tiles.entries(tile, (size - tile * WIDTH).min(WIDTH))?);
    }
    Ok(all)
}

/// The root of these leaves.
pub(super) fn root_of(leaves: &[Hash]) -> Hash {
    struct Slice<'l>(&'l [Hash]);
    impl Hashes for Slice<'_> {
        fn at(&self, level: u32, index: u64) -> Result<Hash, RecordError> {
            let begin = usize::try_from(index << level).unwrap_or(usize::MAX);
            let end = begin.saturating_add(1 << level);
            let found = self.0.get(begin..end).and_then(fold);
            found.ok_or_else(|| damaged(Path::new("tile")))
        }
    }
    tree::root(&Slice(leaves), leaves.len() as u64).unwrap_or_default()
}

fn partial(full: &Path) -> PathBuf {
    let name = full.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    full.with_file_name(format!("{name}.p"))
}

fn pack(leaves: &[String]) -> Vec<u8> {
    let mut bundle = Vec::new();
    for leaf in leaves {
        let length = u16::try_from(leaf.len()).unwrap_or(u16::MAX);
        bundle.extend(length.to_be_bytes());
        bundle.extend(leaf.bytes().take(usize::from(length)));
    }
    bundle
}

fn unpack(mut bundle: &[u8]) -> Option<Vec<String>> {
    let mut leaves = Vec::new();
    while let Some((length, rest)) = bundle.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        let (leaf, rest) = rest.split_at_checked(length)?;
        leaves.push(String::from_utf8(leaf.to_vec()).ok()?);
        bundle = rest;
    }
    bundle.is_empty().then_some(leaves)
}

fn damaged(path: &Path) -> RecordError {
    RecordError::Damaged { path: path.to_owned(), problem: "it holds too few".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However it grows, the files are the same, and so is every root and proof.
    #[test]
    fn a_tree_grows_in_steps_of_any_size() {
        let all: Vec<String> = (0..70_000).map(|it| format!("{it} leaf")).collect();
        let hashes: Vec<Hash> = all.iter().map(|it| leaf(it.as_bytes())).collect();
        let folder = tempfile::tempdir().unwrap();
        let mut size = 0;
        for step in [1, 1, 253, 1, 1, 255, 256, 257, 1_000, 0, 63_000, 600, 3] {
            let tiles = Tiles::new(folder.path().to_owned());
            tiles.append(size, &all[size as usize..size as usize + step]).unwrap();
            size += step as u64;
            let now = &hashes[..size as usize];
            let fresh = Tiles::new(folder.path().to_owned());
            assert_eq!(tree::root(&fresh, size).unwrap(), root_of(now), "{size}");
            assert_eq!(check(&fresh, now), Vec::<String>::new());
            assert_eq!(leaves(&fresh, size).unwrap(), all[..size as usize]);
            for index in [0, size / 3, size - 1] {
                let proof = tree::inclusion(&fresh, index, size).unwrap();
                let (leaf, root) = (&now[index as usize], root_of(now));
                assert!(tree::is_included(leaf, index, size, &proof, &root));
            }
        }
        assert!(folder.path().join("tile/0/255").exists());
        assert!(folder.path().join("tile/2/000.p/1").exists());
    }

    #[test]
    fn a_tile_is_where_its_number_says() {
        let tiles = Tiles::new(PathBuf::from("/log"));
        assert_eq!(tiles.path("0", 7), Path::new("/log/tile/0/007"));
        assert_eq!(tiles.path("2", 1_234_067), Path::new("/log/tile/2/x001/x234/067"));
        assert_eq!(partial(&tiles.path("0", 7)), Path::new("/log/tile/0/007.p"));
    }
}
