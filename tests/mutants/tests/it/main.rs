//! To run all mutants takes minutes. That they still are about the code as it is takes none.

use std::path::Path;

use fastcgi_mutants::Mutant;

#[test]
fn every_mutant_can_be_applied() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mutants = Mutant::all().expect("a valid list");
    let faults = mutants.iter().filter_map(|mutant| {
        let fault = mutant.text(&root).err()?;
        Some(format!("{}: {fault}", mutant.name))
    });
    assert_eq!(faults.collect::<Vec<_>>(), [""; 0]);
    assert!(mutants.len() > 20);
}
