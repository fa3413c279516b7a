//! Which packages are needed: a minimal base, what was asked for, and all they depend on, without recommends.
//!
//! Greedy and deterministic, in apt's order: an alternative that is already chosen wins, then the first real package
//! that fits, then the most important provider. Nothing is ever taken back; what excludes each other is an error.

use std::collections::{BTreeMap, HashMap};

use debversion::Version;

use super::DebianError;
use super::candidates;
use super::packages::{Field, PackageId, Packages, Priority};
use super::relation::{self, Relation};

/// Chooses the packages, in order of their names.
pub(super) fn resolve(
    packages: &Packages,
    suite: &str,
    asked: &[String],
) -> Result<Vec<PackageId>, DebianError> {
    let mut solver = Solver::new(packages);
    let base: Vec<PackageId> = packages
        .ids()
        .filter(|id| packages.is_essential(*id) || packages.priority(*id) == Priority::Required)
        .collect();
    let mut wanted = base;
    for name in std::iter::once("apt").chain(asked.iter().map(String::as_str)) {
        match packages.find(name) {
            Some(id) => wanted.push(id),
            // A suite made for a test, or of another distributor, may have no apt; ours always does.
            None if name == "apt" && !asked.iter().any(|asked| asked == "apt") => {}
            None => return Err(candidates::unknown(packages, suite, name)),
        }
    }
    // All that is asked for is chosen before any dependency, so that alternatives see it.
    for id in &wanted {
        solver.choose(*id, None)?;
    }
    for id in wanted {
        solver.complete(id)?;
    }
    Ok(solver.chosen.into_keys().collect())
}

struct Solver<'p> {
    packages: &'p Packages,
    /// Chosen package → the package that needed it first.
    chosen: BTreeMap<PackageId, Option<PackageId>>,
    /// Virtual name → chosen packages that provide it, perhaps with a version.
    provided: HashMap<&'p str, Vec<(PackageId, Option<&'p str>)>>,
    /// Name → what chosen packages forbid of it.
    forbidden: HashMap<&'p str, Vec<(PackageId, Relation<'p>)>>,
    versions: HashMap<PackageId, Option<Version>>,
    /// Virtual name → all packages of the suite that provide it.
    providers: HashMap<&'p str, Vec<PackageId>>,
    completed: std::collections::HashSet<PackageId>,
}

/// A rule by which two packages exclude each other.
struct Clash {
    with: PackageId,
    rule: String,
}

impl<'p> Solver<'p> {
    fn new(packages: &'p Packages) -> Self {
        Self {
            packages,
            chosen: BTreeMap::new(),
            provided: HashMap::new(),
            forbidden: HashMap::new(),
            versions: HashMap::new(),
            providers: HashMap::new(),
            completed: Default::default(),
        }
    }

    /// Takes `id` into the set.
    fn choose(&mut self, id: PackageId, needed_by: Option<PackageId>) -> Result<(), DebianError> {
        if self.chosen.contains_key(&id) {
            return Ok(());
        }
        let clash = self.clash(id)?;
        self.chosen.insert(id, needed_by);
        if let Some(Clash { with, rule }) = clash {
            return Err(DebianError::Conflict { first: self.chain(with), second: self.chain(id), rule });
        }
        for provision in self.provisions(id)? {
            let version = provision.bound.map(|(_, version)| version);
            self.provided.entry(provision.name).or_default().push((id, version));
        }
        for rule in self.exclusions(id)? {
            self.forbidden.entry(rule.name).or_default().push((id, rule));
        }
        Ok(())
    }

    /// Chooses all that `root` depends on, depth first.
    fn complete(&mut self, root: PackageId) -> Result<(), DebianError> {
        // A stack of our own: a chain of dependencies may be as long as the index.
        let mut open: Vec<(PackageId, Vec<Relation<'p>>)> = Vec::new();
        self.open(root, &mut open)?;
        while let Some((owner, alternatives)) = open.pop() {
            if alternatives.iter().any(|relation| self.is_satisfied(relation)) {
                continue;
            }
            let id = self.pick(owner, &alternatives)?;
            self.choose(id, Some(owner))?;
            self.open(id, &mut open)?;
        }
        Ok(())
    }

    fn open(
        &mut self,
        owner: PackageId,
        open: &mut Vec<(PackageId, Vec<Relation<'p>>)>,
    ) -> Result<(), DebianError> {
        if !self.completed.insert(owner) {
            return Ok(());
        }
        let mut groups = self.parse(owner, Field::PreDepends)?;
        groups.extend(self.parse(owner, Field::Depends)?);
        open.extend(groups.into_iter().rev().map(|group| (owner, group)));
        Ok(())
    }

    fn is_satisfied(&mut self, relation: &Relation<'p>) -> bool {
        if let Some(id) = self.packages.find(relation.name)
            && self.chosen.contains_key(&id)
            && relation.admits(self.version(id).as_ref())
        {
            return true;
        }
        self.provided.get(relation.name).is_some_and(|provisions| {
            provisions
                .iter()
                .any(|(_, version)| relation.admits(version.and_then(relation::version).as_ref()))
        })
    }

    /// The best package for a group of alternatives of which none is chosen.
    fn pick(&mut self, owner: PackageId, alternatives: &[Relation<'p>]) -> Result<PackageId, DebianError> {
        let mut clashing = None;
        for relation in alternatives {
            for candidate in self.candidates(relation)? {
                match self.clash(candidate)? {
                    None => return Ok(candidate),
                    Some(clash) => {
                        clashing.get_or_insert((candidate, clash));
                    }
                }
            }
        }
        let chain = self.chain(owner);
        let dependency = alternatives.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
        let reason = match clashing {
            Some((candidate, clash)) => format!(
                "{} would, but {} ({})",
                self.packages.name(candidate),
                clash.rule,
                self.chain(clash.with).join(" → ")
            ),
            None => {
                let known: Vec<String> = alternatives
                    .iter()
                    .filter_map(|relation| self.packages.find(relation.name))
                    .map(|id| {
                        format!("{} {}", self.packages.name(id), self.packages.field(id, Field::Version))
                    })
                    .collect();
                if known.is_empty() {
                    "the suite has no such package".to_owned()
                } else {
                    format!("the suite has {}", known.join(", "))
                }
            }
        };
        Err(DebianError::Unsatisfied { dependency, chain, reason })
    }

    /// What could satisfy a relation: the package of that name, then its providers, most important first.
    fn candidates(&mut self, relation: &Relation<'p>) -> Result<Vec<PackageId>, DebianError> {
        let mut found = Vec::new();
        if let Some(id) = self.packages.find(relation.name)
            && relation.admits(self.version(id).as_ref())
        {
            found.push(id);
        }
        for id in self.providers(relation.name)? {
            let fits = self.provisions(id)?.iter().any(|provision| {
                provision.name == relation.name
                    && relation
                        .admits(provision.bound.and_then(|(_, version)| relation::version(version)).as_ref())
            });
            if fits {
                found.push(id);
            }
        }
        Ok(found)
    }

    fn providers(&mut self, name: &'p str) -> Result<Vec<PackageId>, DebianError> {
        if let Some(known) = self.providers.get(name) {
            return Ok(known.clone());
        }
        let mut found = Vec::new();
        for id in self.packages.ids() {
            // The whole index is searched: the cheap test first, the parser for the few that remain.
            if self.packages.field(id, Field::Provides).contains(name)
                && self.provisions(id)?.iter().any(|provision| provision.name == name)
            {
                found.push(id);
            }
        }
        found.sort_by_key(|id| {
            (!self.packages.is_essential(*id), self.packages.priority(*id), self.packages.name(*id))
        });
        self.providers.insert(name, found.clone());
        Ok(found)
    }

    /// A rule of `id` against a chosen package, or of a chosen package against `id`.
    fn clash(&mut self, id: PackageId) -> Result<Option<Clash>, DebianError> {
        let packages = self.packages;
        let clash = |owner: PackageId, relation: &Relation<'_>, with: PackageId| Clash {
            with,
            rule: format!("{} excludes {relation}", packages.name(owner)),
        };
        for relation in self.exclusions(id)? {
            if let Some(other) = packages.find(relation.name)
                && other != id
                && self.chosen.contains_key(&other)
                && relation.admits(self.version(other).as_ref())
            {
                return Ok(Some(clash(id, &relation, other)));
            }
            for (other, version) in self.provided.get(relation.name).into_iter().flatten() {
                if *other != id && relation.admits(version.and_then(relation::version).as_ref()) {
                    return Ok(Some(clash(id, &relation, *other)));
                }
            }
        }
        let own = (packages.name(id), self.version(id));
        let mut names = vec![own];
        for provision in self.provisions(id)? {
            names.push((provision.name, provision.bound.and_then(|(_, version)| relation::version(version))));
        }
        for (name, version) in names {
            for (owner, relation) in self.forbidden.get(name).into_iter().flatten() {
                if *owner != id && relation.admits(version.as_ref()) {
                    return Ok(Some(clash(*owner, relation, *owner)));
                }
            }
        }
        Ok(None)
    }

    fn provisions(&self, id: PackageId) -> Result<Vec<Relation<'p>>, DebianError> {
        Ok(self.parse(id, Field::Provides)?.into_iter().flatten().collect())
    }

    fn exclusions(&self, id: PackageId) -> Result<Vec<Relation<'p>>, DebianError> {
        let mut rules: Vec<Relation<'p>> = self.parse(id, Field::Conflicts)?.into_iter().flatten().collect();
        rules.extend(self.parse(id, Field::Breaks)?.into_iter().flatten());
        Ok(rules)
    }

    fn parse(&self, id: PackageId, field: Field) -> Result<Vec<Vec<Relation<'p>>>, DebianError> {
        relation::groups(self.packages.field(id, field)).map_err(|reason| DebianError::BadPackage {
            package: self.packages.name(id).to_owned(),
            reason: format!("its {field:?}: {reason}"),
        })
    }

    /// A package's version, parsed once.
    fn version(&mut self, id: PackageId) -> Option<Version> {
        let packages = self.packages;
        self.versions
            .entry(id)
            .or_insert_with(|| relation::version(packages.field(id, Field::Version)))
            .clone()
    }

    /// From what was asked for down to `id`.
    fn chain(&self, id: PackageId) -> Vec<String> {
        let mut chain = vec![self.packages.name(id).to_owned()];
        let mut at = id;
        while let Some(Some(parent)) = self.chosen.get(&at) {
            chain.push(self.packages.name(*parent).to_owned());
            at = *parent;
        }
        chain.reverse();
        chain
    }
}

#[cfg(test)]
mod tests {
    use super::super::packages::tests::index;
    use super::*;

    fn check(lines: &[&str], asked: &[&str], expected: &str) {
        let packages = index(lines);
        let asked: Vec<String> = asked.iter().map(|name| (*name).to_owned()).collect();
        let shown = match resolve(&packages, "test", &asked) {
            Ok(chosen) => {
                chosen.into_iter().map(|id| packages.name(id).to_owned()).collect::<Vec<_>>().join(" ")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn the_base_is_what_is_essential_or_required_and_apt() {
        check(
            &["bash 1; Essential: yes", "tzdata 1; Priority: required", "apt 3", "vim 9"],
            &[],
            "apt bash tzdata",
        );
    }

    #[test]
    fn the_first_alternative_is_taken_unless_another_is_there() {
        let lines = ["tool 1; Depends: mawk | gawk", "mawk 1", "gawk 1"];
        check(&lines, &["tool"], "mawk tool");
        check(&lines, &["tool", "gawk"], "gawk tool");
    }

    #[test]
    fn an_alternative_of_the_wrong_version_is_passed_over() {
        check(&["tool 1; Depends: aa (>= 2) | bb", "aa 2~rc1", "bb 1"], &["tool"], "bb tool");
    }

    #[test]
    fn a_versioned_need_is_met_by_a_versioned_provider_only() {
        let provider = "exim 4; Provides: mail (= 2)";
        check(&["tool 1; Depends: mail (>= 2)", provider], &["tool"], "exim tool");
        check(
            &["tool 1; Depends: mail (>= 2)", "exim 4; Provides: mail"],
            &["tool"],
            "nothing satisfies `mail (>= 2)`, needed by tool: the suite has no such package",
        );
    }

    #[test]
    fn a_missing_dependency_names_the_chain_to_it() {
        check(
            &["hipcc 1; Depends: clang", "clang 21; Pre-Depends: libllvm (= 21-2)", "libllvm 21-1"],
            &["hipcc"],
            "nothing satisfies `libllvm (= 21-2)`, needed by hipcc → clang: the suite has libllvm 21-1",
        );
    }

    #[test]
    fn packages_that_exclude_each_other_are_refused_by_name() {
        check(
            &["aa 1; Depends: bb", "bb 1", "cc 1; Breaks: bb (<< 2)"],
            &["aa", "cc"],
            "nothing satisfies `bb`, needed by aa: bb would, but cc excludes bb (<< 2) (cc)",
        );
        check(
            &["aa 1; Provides: mta; Conflicts: mta", "bb 1; Provides: mta"],
            &["aa", "bb"],
            "aa and bb exclude each other: aa excludes mta",
        );
    }

    #[test]
    fn dependencies_may_go_in_circles() {
        check(&["aa 1; Depends: bb", "bb 1; Depends: aa"], &["bb"], "aa bb");
    }

    #[test]
    fn a_misspelt_package_brings_the_one_that_was_meant() {
        let packages = index(&["hipcc 1"]);
        let Err(DebianError::UnknownPackage { meant, .. }) =
            resolve(&packages, "sid", &["hipccc".to_owned()])
        else {
            panic!("a package that does not exist was resolved");
        };
        assert_eq!(meant.as_deref(), Some("did you mean `hipcc`?"));
    }
}
