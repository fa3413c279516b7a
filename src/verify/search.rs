//! Which of many texts a library holds, in one pass over its bytes.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;

/// Texts that were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found(BTreeSet<Vec<u8>>);

impl Found {
    pub fn has(&self, text: impl AsRef<[u8]>) -> bool {
        self.0.contains(text.as_ref())
    }
}

/// Looks for texts in bytes of any size. An empty text is nowhere.
pub fn search(bytes: &[u8], texts: impl IntoIterator<Item = Vec<u8>>) -> Found {
    let mut texts: Vec<Vec<u8>> = texts.into_iter().filter(|text| !text.is_empty()).collect();
    texts.sort();
    texts.dedup();
    let searcher = AhoCorasick::new(&texts).expect("the recipe's texts are few and bounded");
    let mut found = vec![false; texts.len()];
    let mut missing = texts.len();
    // A text may lie within another.
    for hit in searcher.find_overlapping_iter(bytes) {
        let index = hit.pattern().as_usize();
        missing -= usize::from(!std::mem::replace(&mut found[index], true));
        if missing == 0 {
            break;
        }
    }
    Found(texts.into_iter().zip(found).filter_map(|(text, found)| found.then_some(text)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_within_texts_are_found_and_others_are_not() {
        let texts = ["row_bcast:15", "bcast", "row_bcast:31", ""].map(|text| text.as_bytes().to_vec());
        let found = search(b"\0v_add_f32 row_bcast:15\0", texts);
        assert_eq!(found, Found(["row_bcast:15", "bcast"].map(|text| text.as_bytes().to_vec()).into()));
        assert!(found.has("bcast") && !found.has("row_bcast:31") && !found.has(""));
        assert_eq!(search(b"anything", []), Found::default());
    }
}
