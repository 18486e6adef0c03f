// After a wrong code the whole field is selected: the next scan replaces it, and who typed can still correct it.
document.getElementById("code").select();
